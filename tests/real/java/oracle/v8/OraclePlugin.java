package startgate.oracle;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.json.JsonXContent;

/**
 * For 8.x and 9.x: puts handlers on the very routes of the start API and of those that are observed, and tells what the node's router gave
 * them.
 *
 * <p>Also answers {@code GET /}: from 8.x on it lives in a module of its own that is not published, and clients ask for it.
 */
public final class OraclePlugin extends Plugin implements ActionPlugin {
  private final Sightings sightings = new Sightings();
  private volatile ClusterService cluster;

  @Override
  public Collection<?> createComponents(PluginServices services) {
    cluster = services.clusterService();
    return List.of();
  }

  @Override
  public Collection<RestHandler> getRestHandlers(
      Settings settings,
      NamedWriteableRegistry registry,
      RestController controller,
      ClusterSettings clusterSettings,
      IndexScopedSettings indexScopedSettings,
      SettingsFilter settingsFilter,
      IndexNameExpressionResolver resolver,
      Supplier<DiscoveryNodes> nodes,
      Predicate<NodeFeature> features) {
    return List.of(
        new Answer("POST", "/_ml/data_frame/analytics/{id}/_start", sightings::saw, "start"),
        new Answer("PUT", "/_ml/data_frame/analytics/{id}", Sightings::echo, "put"),
        new Answer("POST", "/_ml/data_frame/analytics/{id}/_update", Sightings::echo, "update"),
        new Answer("POST", "/_ml/data_frame/analytics/{id}/_stop", Sightings::echo, "stop"),
        new Answer("DELETE", "/_ml/data_frame/analytics/{id}", Sightings::echo, "delete"),
        new Answer("GET", "/_oracle/echo/{id}", Sightings::echo, null),
        new Answer("POST", "/_oracle/echo/{id}", Sightings::echo, null),
        new Answer("DELETE", "/_oracle/echo/{id}", Sightings::echo, null),
        new Answer("GET", "/_oracle/count", request -> sightings.report(), null),
        new Answer("POST", "/_oracle/reset", request -> sightings.reset(), null),
        new Answer("GET", "/", request -> info(Node.NODE_NAME_SETTING.get(settings)), null),
        new Answer("HEAD", "/", request -> info(Node.NODE_NAME_SETTING.get(settings)), null));
  }

  private XContentBuilder info(String name) throws IOException {
    Build build = Build.current();
    XContentBuilder info = JsonXContent.contentBuilder().startObject().field("name", name);
    info.field("cluster_name", cluster.getClusterName().value());
    info.field("cluster_uuid", cluster.state().metadata().clusterUUID());
    info.startObject("version").field("number", build.qualifiedVersion()).field("build_flavor", build.flavor());
    info.field("build_type", build.type().displayName()).field("build_hash", build.hash()).field("build_date", build.date());
    info.field("build_snapshot", build.isSnapshot()).endObject();
    return info.field("tagline", "You Know, for Search").endObject();
  }

  private interface Body {
    XContentBuilder of(RestRequest request) throws IOException;
  }

  private static final class Answer extends BaseRestHandler {
    private final Route route;
    private final Body body;
    private final String mark;

    Answer(String method, String path, Body body, String mark) {
      this.route = new Route(RestRequest.Method.valueOf(method), path);
      this.body = body;
      this.mark = mark;
    }

    @Override
    public String getName() {
      return "startgate_oracle_" + route.getMethod() + route.getPath();
    }

    @Override
    public List<Route> routes() {
      return List.of(route);
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
      RestResponse response = new RestResponse(RestStatus.OK, body.of(request));
      if (mark != null) {
        response.addHeader("X-Oracle", mark);
      }
      return channel -> channel.sendResponse(response);
    }
  }
}
