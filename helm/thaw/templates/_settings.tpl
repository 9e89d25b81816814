{{- /* track -> its settings. One more Deployment is one more line here. */}}
{{- define "thaw.tracks" -}}
stable: {{ toJson .Values.settings }}
{{- if .Values.canary.enabled }}{{ include "thaw.isCanaryRouted" . }}
canary: {{ mergeOverwrite (deepCopy .Values.settings) .Values.canary.settings | toJson }}
{{- end }}
{{- end }}

{{- /* [root, settings] -> THAW_* variables: those that the chart decides, and the user's. */}}
{{- define "thaw.settings" -}}
{{- $root := index . 0 }}{{- $values := $root.Values }}
THAW_HOST: "0.0.0.0"
THAW_PORT: "8080"
THAW_OPS_PORT: "8081"
THAW_MODELS: /models
THAW_PROVIDER: {{ ternary "cuda" "cpu" (eq $values.device "gpu") }}
THAW_DRAIN_SECONDS: {{ $values.drain.seconds | quote }}
THAW_STOP_SECONDS: {{ $values.drain.stopSeconds | quote }}
{{- if include "thaw.apiKeySecret" $root }}
THAW_API_KEYS_FILE: /secrets/api/{{ $values.apiKeys.secretKey }}
{{- end }}
{{- if $values.tls.existingSecret }}
THAW_TLS_CERT: /secrets/tls/tls.crt
THAW_TLS_KEY: /secrets/tls/tls.key
{{- end }}
{{- range $name, $value := index . 1 }}
THAW_{{ upper $name }}: {{ include "thaw.plain" $value | quote }}
{{- end }}
{{- end }}

{{- /* Helm reads whole numbers as floating ones, and would print ten million as 1e+07. */}}
{{- define "thaw.plain" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}
