{{- define "startgate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* 50: a StatefulSet puts an ordinal and a hash behind it, and labels have 63 characters. */}}
{{- define "startgate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "startgate.name" .) .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "startgate.name" .) | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "startgate.selector" -}}
app.kubernetes.io/name: {{ include "startgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "startgate.labels" -}}
{{ include "startgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "startgate.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "startgate.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "startgate.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "startgate.rules" -}}
{{- if .Values.rules.existingConfigMap -}}
{{- .Values.rules.existingConfigMap -}}
{{- else if .Values.rules.files -}}
{{- include "startgate.fullname" . }}-rules
{{- end -}}
{{- end -}}

{{/* startgate.yml: what the chart knows, and over it what `config` says. */}}
{{- define "startgate.config" -}}
{{- $pair := dict "certificate" "/etc/startgate/tls/tls.crt" "key" "/etc/startgate/tls/tls.key" -}}
{{- $admin := include "startgate.fullname" . | printf "%s-admin" -}}
{{- $there := printf "%s.%s" $admin .Release.Namespace -}}
{{- $hosts := list $admin $there (printf "%s.svc" $there) -}}
{{- $made := dict
  "workers" (int .Values.workers)
  "cluster" (dict "nodes" .Values.cluster.nodes)
  "journal" (dict "path" "/var/lib/startgate/journal")
  "control" (dict "socket" "/run/startgate/control.sock")
  "log" (dict "format" "json")
  "admin" (dict "listen" "0.0.0.0:9402" "hosts" $hosts)
-}}
{{- if .Values.tls.enabled -}}
{{- $_ := set $made "listen" (list (dict "address" "0.0.0.0:9400" "tls" $pair)) -}}
{{- $_ := set $made.admin "tls" $pair -}}
{{- else -}}
{{- $_ := set $made "listen" "0.0.0.0:9400" -}}
{{- $_ := set $made.admin "unsafe_plain" true -}}
{{- end -}}
{{- if .Values.serviceCredential.secretName -}}
{{- $_ := set $made.cluster "service" (dict "api_key_file" (printf "/etc/startgate/service/%s" .Values.serviceCredential.key)) -}}
{{- end -}}
{{- if .Values.cluster.ca.secretName -}}
{{- $_ := set $made.cluster "tls" (dict "ca" (printf "/etc/startgate/cluster-ca/%s" .Values.cluster.ca.key)) -}}
{{- end -}}
{{- if include "startgate.rules" . -}}
{{- $_ := set $made "rules" "/etc/startgate/rules" -}}
{{- end -}}
{{- mustMergeOverwrite $made (deepCopy .Values.config) | toYaml -}}
{{- end -}}

{{- define "startgate.probe" -}}
port: {{ .port }}, scheme: {{ .scheme }}
{{- end -}}
