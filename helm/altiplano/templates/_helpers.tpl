{{/* Names: at most 40 characters, so that a pool's name and an ordinal still fit into a DNS label. */}}
{{- define "altiplano.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels that select pods; never changed, as selectors cannot be. Give a dict of root and component. */}}
{{- define "altiplano.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .pool }}
altiplano.io/pool: {{ . }}
{{- end }}
{{- end -}}

{{- define "altiplano.labels" -}}
{{ include "altiplano.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: altiplano
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* An image by digest, or by a tag that says which it is. Give a dict of root and image. */}}
{{- define "altiplano.image" -}}
{{- $tag := default .root.Chart.AppVersion .image.tag -}}
{{- $repository := printf "%s%s" .root.Values.images.registry .image.repository -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository $tag -}}
{{- end -}}
{{- end -}}

{{- define "altiplano.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.runAsUser }}
runAsGroup: {{ .Values.podSecurity.runAsGroup }}
fsGroup: {{ .Values.podSecurity.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "altiplano.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Health by Quarkus; a start may take five minutes, as a worker reads its models before it is ready. */}}
{{- define "altiplano.probes" -}}
startupProbe:
  httpGet: {path: /q/health/started, port: http}
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  httpGet: {path: /q/health/live, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /q/health/ready, port: http}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}

{{/* How a service reaches Kafka as its own principal. Give a dict of root and secret. */}}
{{- define "altiplano.kafkaEnv" -}}
- name: ALTIPLANO_KAFKA_USERNAME
  valueFrom:
    secretKeyRef: {name: {{ .secret }}, key: username}
- name: ALTIPLANO_KAFKA_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ .secret }}, key: password}
{{- end -}}

{{- define "altiplano.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Replicas on different nodes where there are enough. Give a dict of root and component. */}}
{{- define "altiplano.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "altiplano.selector" . | nindent 8 }}
{{- end -}}
