"""The built-in roles of 8.15.3 and 9.1.0 (`ReservedRolesStore`): what they grant on the cluster and on indices.

One part a line: `role`, and below it `cluster` privileges, `run_as` patterns, `index` privileges `on` names; `index!`
reaches restricted indices, too. `since 9.1` is what 9.1.0 has and 8.15.3 has not, `before 9.1` the other way round.
Deeper lines continue the one above. Held against both releases by tests/real/test_privileges.py.
"""

ROLES = r"""
role apm_system
  cluster monitor, cluster:admin/xpack/monitoring/bulk
  index create_index, create_doc on .monitoring-beats-*
before 9.1 role apm_user
  index read, view_index_metadata on apm-*
  index read, view_index_metadata on logs-apm.*
  index read, view_index_metadata on logs-apm-*
  index read, view_index_metadata on metrics-apm.*
  index read, view_index_metadata on metrics-apm-*
  index read, view_index_metadata on traces-apm.*
  index read, view_index_metadata on traces-apm-*
  index read, view_index_metadata on .ml-anomalies*
  index read, view_index_metadata on observability-annotations
role beats_admin
  index all on .management-beats
role beats_system
  cluster monitor, cluster:admin/xpack/monitoring/bulk
  index create_index, create on .monitoring-beats-*
before 9.1 role data_frame_transforms_admin
  cluster manage_data_frame_transforms
  index view_index_metadata, read on .transform-notifications-* .data-frame-notifications-*
      .transform-notifications-read
before 9.1 role data_frame_transforms_user
  cluster monitor_data_frame_transforms
  index view_index_metadata, read on .transform-notifications-* .data-frame-notifications-*
      .transform-notifications-read
role editor
  index read, view_index_metadata on /~(([.]|ilm-history-).*)/
  index read, view_index_metadata, write on observability-annotations
  since 9.1 index read, view_index_metadata, write, manage on .slo-observability.*
  since 9.1 index read, view_index_metadata, write, maintenance on .siem-signals* .lists-* .items-*
      .reindexed-v8-siem-signals* .reindexed-v8-lists-* .reindexed-v8-items-*
  since 9.1 index read, view_index_metadata, write, maintenance on .internal.alerts*
      .reindexed-v8-internal.alerts* .alerts* .internal.preview.alerts* .reindexed-v8-internal.preview.alerts*
      .preview.alerts* .internal.adhoc.alerts* .adhoc.alerts*
  index read, view_index_metadata on profiling-* .profiling-*
  before 9.1 index read, view_index_metadata, write, maintenance on .siem-signals* .lists-* .items-*
  before 9.1 index read, view_index_metadata, write, maintenance on .internal.alerts* .alerts*
      .internal.preview.alerts* .preview.alerts*
role enrich_user
  cluster manage_enrich, manage_ingest_pipelines, monitor
  index! read, view_index_metadata on .enrich-*
  index manage, write on .enrich-*
role inference_admin
  cluster manage_inference
role inference_user
  cluster monitor_inference
role ingest_admin
  cluster manage_index_templates, manage_pipeline
role kibana_admin
role kibana_system
  cluster monitor, manage_index_templates, cluster:admin/xpack/monitoring/bulk, manage_saml, manage_token,
      manage_oidc, manage_enrich, manage_pipeline, manage_ilm, monitor_connector, manage_transform,
      cluster:admin/xpack/security/api_key/invalidate, grant_api_key, manage_own_api_key,
      cluster:admin/xpack/security/privilege/builtin/get, delegate_pki, cluster:admin/xpack/security/profile/get,
      cluster:admin/xpack/security/profile/activate, cluster:admin/xpack/security/profile/suggest,
      cluster:admin/xpack/security/profile/has_privileges, write_fleet_secrets, manage_ml, cluster:admin/analyze,
      monitor_text_structure, cancel_task
  since 9.1 cluster manage_inference, cluster:admin/script/put, cluster:admin/script/get
  index! all on .kibana* .reporting-*
  index read, read_cross_cluster on .monitoring-*
  index create_index, read, write on .management-beats
  index read on .ml-anomalies* .ml-stats-*
  index read, write on .ml-annotations* .ml-notifications*
  since 9.1 index read, write on .reindexed-v8-ml-annotations* .reindexed-v8-ml-notifications*
  index! all on .apm-agent-configuration
  index! all on .apm-custom-link
  index! all on .apm-source-map
  index read, read_cross_cluster on apm-*
  index read, read_cross_cluster on logs-apm.*
  index read, read_cross_cluster on metrics-apm.*
  index read, read_cross_cluster on traces-apm.*
  index read, read_cross_cluster on traces-apm-*
  index read on metrics-logstash.*
  index view_index_metadata, monitor on *
  since 9.1 index read, create_index on .logs-endpoint.diagnostic.collection-*
  index! write, delete, create_index on .fleet-secrets*
  index! all on .fleet-actions*
  index! all on .fleet-agents*
  index! all on .fleet-artifacts*
  index! all on .fleet-enrollment-api-keys*
  index! all on .fleet-policies*
  index! all on .fleet-policies-leader*
  index! all on .fleet-servers*
  index! all on .fleet-fileds*
  index! all on .fleet-file-data-*
  index! all on .fleet-files-*
  index! all on .fleet-filedelivery-data-*
  index! all on .fleet-filedelivery-meta-*
  since 9.1 index all on logs-elastic_agent.status_change-*
  index read on logs-elastic_agent*
  index all on metrics-fleet_server*
  index read, delete_index on logs-fleet_server*
  since 9.1 index create_index, manage, read, write on fleet-synced-integrations fleet-synced-integrations-ccr*
  since 9.1 index all on .siem-signals* .reindexed-v8-siem-signals*
  since 9.1 index all on .lists-* .items-* .reindexed-v8-lists-* .reindexed-v8-items-*
  since 9.1 index all on .internal.alerts* .reindexed-v8-internal.alerts*
  index all on .alerts*
  since 9.1 index all on .internal.cases*
  since 9.1 index all on .cases*
  since 9.1 index create_index, read, write, view_index_metadata, maintenance, indices:admin/rollover,
      indices:admin/aliases, indices:admin/mapping/put, indices:admin/mapping/auto_put, indices:admin/settings/update
      on .internal.adhoc.alerts* .adhoc.alerts*
  index all on .preview.alerts*
  since 9.1 index all on .internal.preview.alerts* .reindexed-v8-internal.preview.alerts*
  index read on metrics-endpoint.policy-*
  index read on metrics-endpoint.metrics-*
  index read on logs-endpoint.events.*
  index indices:admin/settings/update, indices:admin/mapping/put, indices:admin/rollover,
      indices:admin/data_stream/lifecycle/put on logs-* synthetics-* traces-*
      /metrics-.*&~(metrics-endpoint\.metadata_current_default.*)/ .logs-endpoint.action.responses-*
      .logs-endpoint.diagnostic.collection-* .logs-endpoint.actions-* .logs-endpoint.heartbeat-*
      .logs-osquery_manager.actions-* .logs-osquery_manager.action.responses-* logs-osquery_manager.action.responses-*
      profiling-*
  since 9.1 index auto_configure, read, write, create_index on .logs-endpoint.action.responses-*
  since 9.1 index auto_configure, read, write, create_index on .logs-endpoint.actions-*
  index auto_configure, create_index, read, index, delete on .logs-osquery_manager.action.responses-*
  index read, view_index_metadata on logs-osquery_manager.action.responses-*
  index auto_configure, create_index, read, index, write, delete on .logs-osquery_manager.actions-*
  since 9.1 index read on logs-sentinel_one.* logs-crowdstrike.* logs-microsoft_defender_endpoint.*
      logs-m365_defender.*
  since 9.1 index indices:admin/delete on .logs-endpoint.diagnostic.collection-* logs-apm-* logs-apm.*-*
      logs-cloud_security_posture.findings-* logs-cloud_security_posture.vulnerabilities-* metrics-apm-*
      metrics-apm.*-* traces-apm-* traces-apm.*-* synthetics-http-* synthetics-icmp-* synthetics-tcp-*
      synthetics-browser-* synthetics-browser.network-* synthetics-browser.screenshot-*
  index read, view_index_metadata on metrics-endpoint.metadata*
  index create_index, delete_index, read, index, indices:admin/aliases, indices:admin/settings/update on
      metrics-endpoint.metadata_current_default* .metrics-endpoint.metadata_current_default*
      .metrics-endpoint.metadata_united_default*
  index create_index, delete_index, read, index, delete, manage, indices:admin/aliases,
      indices:admin/settings/update on logs-ti_*_latest.*
  index indices:admin/delete, read, view_index_metadata on logs-ti_*.*-*
  index create_index, delete_index, read, index, view_index_metadata, indices:admin/aliases,
      indices:admin/settings/update on kibana_sample_data_*
  index read, view_index_metadata on logs-cloud_security_posture.findings-*
      logs-cloud_security_posture.vulnerabilities-*
  since 9.1 index create_index, read, index, delete, indices:admin/delete, manage, indices:admin/aliases,
      indices:admin/settings/update on logs-cloud_security_posture.findings_latest-default*
      logs-cloud_security_posture.vulnerabilities_latest-default*
  since 9.1 index create_index, read, index, delete, indices:admin/delete, indices:admin/aliases,
      indices:admin/settings/update, indices:admin/mapping/auto_put on logs-cloud_security_posture.scores-default*
  since 9.1 index read, view_index_metadata on logs-wiz.vulnerability-* logs-wiz.cloud_configuration_finding-*
      logs-wiz.cloud_configuration_finding_full_posture-* logs-google_scc.finding-* logs-aws.securityhub_findings-*
      logs-aws.securityhub_findings_full_posture-* logs-aws.inspector-* logs-aws.config-*
      logs-amazon_security_lake.findings-* logs-qualys_vmdr.asset_host_detection-* logs-tenable_sc.vulnerability-*
      logs-tenable_io.vulnerability-* logs-rapid7_insightvm.vulnerability-*
      logs-rapid7_insightvm.asset_vulnerability-* logs-carbon_black_cloud.asset_vulnerability_summary-*
  since 9.1 index manage, read, indices:admin/aliases, indices:admin/settings/update on
      security_solution-*.vulnerability_latest security_solution-*.misconfiguration_latest
  since 9.1 index create_index, index, manage, read, delete, indices:admin/aliases, indices:admin/settings/update
      on security_solution-*.vulnerability_latest-* security_solution-*.misconfiguration_latest-*
  index all on risk-score.risk-*
  since 9.1 index all on .entity_analytics.*
  since 9.1 index create_index, manage, read, write on .asset-criticality.asset-criticality-*
  since 9.1 index read on .entities.v1.latest.security*
  index read, view_index_metadata on logs-cloud_defend.* metrics-cloud_defend.*
  index all on .slo-observability.*
  since 9.1 index read, create_index on .logs-endpoint.heartbeat-*
  since 9.1 index create_index, auto_configure, manage, read, write, delete, indices:admin/settings/update,
      indices:admin/mapping/put, indices:admin/rollover on .edr-workflow-insights-*
  index read on .elastic-connectors*
  before 9.1 index read on .logs-endpoint.diagnostic.collection-*
  before 9.1 index all on .siem-signals*
  before 9.1 index all on .lists-* .items-*
  before 9.1 index all on .internal.alerts*
  before 9.1 index all on .internal.preview.alerts*
  before 9.1 index auto_configure, read, write on .logs-endpoint.action.responses-*
  before 9.1 index auto_configure, read, write on .logs-endpoint.actions-*
  before 9.1 index read on logs-sentinel_one.* logs-crowdstrike.*
  before 9.1 index indices:admin/delete on .logs-endpoint.diagnostic.collection-* logs-apm-* logs-apm.*-*
      metrics-apm-* metrics-apm.*-* traces-apm-* traces-apm.*-* synthetics-http-* synthetics-icmp-* synthetics-tcp-*
      synthetics-browser-* synthetics-browser.network-* synthetics-browser.screenshot-*
  before 9.1 index create_index, read, index, delete, indices:admin/aliases, indices:admin/settings/update on
      logs-cloud_security_posture.findings_latest-default* logs-cloud_security_posture.scores-default*
      logs-cloud_security_posture.vulnerabilities_latest-default*
  before 9.1 index create_index, manage, read on .asset-criticality.asset-criticality-*
  before 9.1 index read on .logs-endpoint.heartbeat-*
role kibana_user
role logstash_admin
  cluster manage_logstash_pipelines
  index! create, delete, index, manage, read on .logstash*
role logstash_system
  cluster monitor, cluster:admin/xpack/monitoring/bulk
role machine_learning_admin
  cluster manage_ml
  index! view_index_metadata, read on .ml-anomalies* .ml-notifications* .ml-state* .ml-meta* .ml-stats-*
  index view_index_metadata, read, write on .ml-annotations*
role machine_learning_user
  cluster monitor_ml
  index view_index_metadata, read on .ml-anomalies* .ml-notifications*
  index view_index_metadata, read, write on .ml-annotations*
role monitoring_user
  cluster cluster:monitor/main, cluster:monitor/xpack/info, cluster:monitor/remote/info
  index read, read_cross_cluster on .monitoring-*
  index read, read_cross_cluster on /metrics-(beats|elasticsearch|enterprisesearch|kibana|logstash).*/
  index read, read_cross_cluster on metricbeat-*
role remote_monitoring_agent
  cluster manage_index_templates, manage_ingest_pipelines, monitor, cluster:admin/ilm/get, cluster:admin/ilm/put,
      cluster:monitor/xpack/watcher/watch/get, cluster:admin/xpack/watcher/watch/put,
      cluster:admin/xpack/watcher/watch/delete
  index all on .monitoring-*
  index index, create_index, view_index_metadata, indices:admin/aliases, indices:admin/rollover on metricbeat-*
role remote_monitoring_collector
  cluster monitor
  index! monitor on *
  index! read on .kibana*
role reporting_user
role rollup_admin
  cluster manage_rollup
role rollup_user
  cluster monitor_rollup
role snapshot_user
  cluster create_snapshot, cluster:admin/repository/get
  index! view_index_metadata on *
role superuser
  cluster all
  run_as *
  index all on *
  index! monitor, read, view_index_metadata, read_cross_cluster on *
role transform_admin
  cluster manage_transform
  index view_index_metadata, read on .transform-notifications-* .data-frame-notifications-*
      .transform-notifications-read
role transform_user
  cluster monitor_transform
  index view_index_metadata, read on .transform-notifications-* .data-frame-notifications-*
      .transform-notifications-read
role transport_client
  cluster transport_client
role viewer
  index read, view_index_metadata on /~(([.]|ilm-history-).*)/
  since 9.1 index read, view_index_metadata on .slo-observability.*
  since 9.1 index read, view_index_metadata on .siem-signals* .lists-* .items-* .reindexed-v8-siem-signals*
      .reindexed-v8-lists-* .reindexed-v8-items-*
  since 9.1 index read, view_index_metadata on .alerts* .preview.alerts* .adhoc.alerts*
  index read, view_index_metadata on profiling-* .profiling-*
  before 9.1 index read, view_index_metadata on .siem-signals* .lists-* .items-*
  before 9.1 index read, view_index_metadata on .alerts* .preview.alerts*
role watcher_admin
  cluster manage_watcher
  index! read on .watches .triggered_watches .watcher-history-*
role watcher_user
  cluster monitor_watcher
  index! read on .watches
  index read on .watcher-history-*
"""
