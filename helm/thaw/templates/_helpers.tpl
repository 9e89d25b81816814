{{- define "thaw.name" -}}{{ default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}{{- end }}

{{- define "thaw.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "thaw.name" .) .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name (include "thaw.name" .) | trunc 52 | trimSuffix "-" }}{{- end }}
{{- end }}

{{- define "thaw.selector" -}}
app.kubernetes.io/name: {{ include "thaw.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "thaw.labels" -}}
{{ include "thaw.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "thaw.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "thaw.fullname" .) .Values.serviceAccount.name }}
{{- else }}{{ default "default" .Values.serviceAccount.name }}{{- end }}
{{- end }}

{{- /* [root, what differs, suffix of the tag] -> registry/repository:tag or @digest */}}
{{- define "thaw.image" -}}
{{- $root := index . 0 }}{{- $image := mergeOverwrite (deepCopy $root.Values.image) (index . 1) }}
{{- $tag := default (printf "%s%s" $root.Chart.AppVersion (index . 2)) $image.tag }}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{- define "thaw.suffix" -}}
{{- if eq .Values.runtime "torchserve" }}-torchserve{{ else if eq .Values.device "gpu" }}-gpu{{ end }}
{{- end }}

{{- /* What would be left out without a word, keys above all, is refused. */}}
{{- define "thaw.isPossible" -}}
{{- if eq .Values.runtime "torchserve" }}
{{- $lacks := list }}
{{- range $name, $wanted := dict
  "device: gpu" (eq .Values.device "gpu")
  "settings" (or .Values.settings .Values.canary.settings)
  "apiKeys" (include "thaw.apiKeySecret" .)
  "adminKey" .Values.adminKey.existingSecret
  "tls" .Values.tls.existingSecret
  "autoscaling.slotsInUse" (and .Values.autoscaling.enabled .Values.autoscaling.slotsInUse)
  "keda" .Values.keda.enabled
  "monitoring.rules" .Values.monitoring.rules.enabled
  "monitoring.dashboard" .Values.monitoring.dashboard.enabled }}
{{- if $wanted }}{{ $lacks = append $lacks $name }}{{ end }}
{{- end }}
{{- with $lacks }}
{{- fail (printf "runtime is torchserve, which has no %s: they are of this project's own server. Leave them at their defaults, or set runtime to onnxruntime." (sortAlpha . | join ", no ")) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "thaw.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "thaw.isScaled" -}}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled }}
{{- fail "autoscaling.enabled and keda.enabled both want to set the number of pods. Choose one." }}
{{- end }}
{{- if or .Values.autoscaling.enabled .Values.keda.enabled }}true{{ end }}
{{- end }}

{{- define "thaw.fewestPods" -}}
{{- if .Values.autoscaling.enabled }}{{ .Values.autoscaling.minReplicas }}
{{- else if .Values.keda.enabled }}{{ .Values.keda.minReplicas }}
{{- else }}{{ .Values.replicas }}{{ end }}
{{- end }}

{{- define "thaw.grace" -}}
{{- $least := add .Values.drain.preStopSeconds .Values.drain.stopSeconds 5 | int }}
{{- if ge (float64 .Values.drain.seconds) (float64 .Values.drain.stopSeconds) }}
{{- fail (printf "drain.seconds is %v and drain.stopSeconds %v: no time is left to finish what is in flight. Make stopSeconds larger." .Values.drain.seconds .Values.drain.stopSeconds) }}
{{- end }}
{{- $grace := default $least .Values.drain.gracePeriodSeconds | int }}
{{- if lt $grace $least }}
{{- fail (printf "drain.gracePeriodSeconds is %d; preStopSeconds + stopSeconds + 5 are %d, and requests would be cut off. Raise it or leave it null." $grace $least) }}
{{- end }}
{{- $grace }}
{{- end }}

{{- define "thaw.scheme" -}}{{ if .Values.tls.existingSecret }}HTTPS{{ else }}HTTP{{ end }}{{- end }}

{{- define "thaw.apiKeySecret" -}}
{{- if and .Values.apiKeys.existingSecret .Values.apiKeys.keys }}
{{- fail "apiKeys.existingSecret and apiKeys.keys are both given. Choose one." }}
{{- end }}
{{- if .Values.apiKeys.existingSecret }}{{ .Values.apiKeys.existingSecret }}
{{- else if .Values.apiKeys.keys }}{{ include "thaw.fullname" . }}-api-keys{{ end }}
{{- end }}

{{- define "thaw.claim" -}}{{ default (printf "%s-models" (include "thaw.fullname" .)) .Values.modelStore.pvc.existingClaim }}{{- end }}

{{- define "thaw.isCanaryRouted" -}}
{{- if not (or .Values.httpRoute.enabled .Values.ingress.enabled) }}
{{- fail "canary.enabled needs something that divides the traffic by canary.weight: httpRoute.enabled, or ingress.enabled with the nginx controller." }}
{{- end }}
{{- end }}
