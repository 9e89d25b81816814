{{- /* [root, track, image, settings] -> the pod of a track */}}
{{- define "thaw.pod" -}}
{{- $root := index . 0 }}{{- $track := index . 1 }}{{- $values := $root.Values }}
{{- $ours := eq $values.runtime "onnxruntime" }}
metadata:
  labels:
    {{- include "thaw.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $track }}
    {{- with $values.podLabels }}{{ toYaml . | nindent 4 }}{{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: server
    {{- if $ours }}
    checksum/settings: {{ include "thaw.settings" (list $root (index . 3)) | sha256sum }}
    {{- end }}
    checksum/secrets: {{ $values.apiKeys.keys | toJson | sha256sum }}
    {{- if $values.monitoring.scrapeAnnotations }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ ternary "8081" "8082" $ours | quote }}
    prometheus.io/path: /metrics
    {{- end }}
    {{- with $values.podAnnotations }}{{ toYaml . | nindent 4 }}{{- end }}
spec:
  serviceAccountName: {{ include "thaw.serviceAccount" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- include "thaw.pullSecrets" $root | nindent 2 }}
  securityContext: {{- toYaml $values.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ include "thaw.grace" $root }}
  {{- range $name := list "priorityClassName" "runtimeClassName" "schedulerName" }}
  {{- with index $values $name }}
  {{ $name }}: {{ . }}
  {{- end }}
  {{- end }}
  {{- include "thaw.placement" (list $root $track) | nindent 2 }}
  {{- $init := include "thaw.initContainers" $root }}
  {{- if $init }}
  initContainers: {{- $init | nindent 4 }}
  {{- end }}
  containers:
    {{- include "thaw.server" . | nindent 4 }}
    {{- with $values.sidecars }}{{ toYaml . | nindent 4 }}{{- end }}
  volumes: {{- include "thaw.volumes" $root | nindent 4 }}
{{- end }}

{{- define "thaw.server" -}}
{{- $root := index . 0 }}{{- $track := index . 1 }}{{- $values := $root.Values }}
{{- $ours := eq $values.runtime "onnxruntime" }}
- name: server
  image: {{ include "thaw.image" (list $root (index . 2) (include "thaw.suffix" $root)) }}
  imagePullPolicy: {{ default $values.image.pullPolicy (index . 2).pullPolicy }}
  securityContext: {{- toYaml $values.securityContext | nindent 4 }}
  ports:
    - {name: http, containerPort: 8080, protocol: TCP}
    - {name: ops, containerPort: {{ ternary 8081 8082 $ours }}, protocol: TCP}
  {{- if or $ours $values.extraEnvFrom }}
  envFrom:
    {{- if $ours }}
    - configMapRef:
        name: {{ include "thaw.fullname" $root }}{{ ternary "-canary" "" (eq $track "canary") }}-settings
    {{- end }}
    {{- with $values.extraEnvFrom }}{{ toYaml . | nindent 4 }}{{- end }}
  {{- end }}
  env:
    - {name: ORT_DISABLE_TELEMETRY, value: "1"}
    {{- if $ours }}
    {{- if not (or ($values.resources.limits).cpu (hasKey (index . 3) "lanes")) }}
    - name: THAW_LANES # without a limit the server would see every core of the node
      valueFrom: {resourceFieldRef: {containerName: server, resource: requests.cpu, divisor: "1"}}
    {{- end }}
    {{- with $values.adminKey.existingSecret }}
    - name: THAW_ADMIN_KEY
      valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $values.adminKey.secretKey }}}}
    {{- end }}
    {{- end }}
    {{- with $values.extraEnv }}{{ toYaml . | nindent 4 }}{{- end }}
  {{- /* TorchServe's /ping is healthy while a worker is dead: only an answer to a golden says that it serves. */}}
  {{- $proof := dict "exec" (dict "command" (list "python" "-m" "serving.torchserve.ready" "/models")) }}
  startupProbe:
    {{- ternary (dict "httpGet" (dict "path" "/startupz" "port" "ops")) $proof $ours | toYaml | nindent 4 }}
    {{- toYaml $values.probes.startup | nindent 4 }}
  readinessProbe:
    {{- ternary (dict "httpGet" (dict "path" "/readyz" "port" "ops")) $proof $ours | toYaml | nindent 4 }}
    {{- toYaml $values.probes.readiness | nindent 4 }}
  livenessProbe:
    httpGet: {path: {{ ternary "/livez" "/ping" $ours }}, port: {{ ternary "ops" "http" $ours }}}
    {{- toYaml $values.probes.liveness | nindent 4 }}
  {{- if $values.drain.preStopSeconds }}
  lifecycle:
    preStop:
      {{- if semverCompare ">=1.30-0" $root.Capabilities.KubeVersion.Version }}
      sleep: {seconds: {{ $values.drain.preStopSeconds }}}
      {{- else }}
      exec: {command: [python, -c, "import time; time.sleep({{ $values.drain.preStopSeconds }})"]}
      {{- end }}
  {{- end }}
  resources: {{- include "thaw.resources" $root | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    {{- if ne $values.modelStore.type "image" }}
    - name: models
      mountPath: /models
      readOnly: true
      {{- if and (eq $values.modelStore.type "pvc") $values.modelStore.pvc.subPath }}
      subPath: {{ $values.modelStore.pvc.subPath }}
      {{- end }}
    {{- end }}
    {{- if include "thaw.apiKeySecret" $root }}
    - {name: api-keys, mountPath: /secrets/api, readOnly: true}
    {{- end }}
    {{- if $values.tls.existingSecret }}
    - {name: tls, mountPath: /secrets/tls, readOnly: true}
    {{- end }}
    {{- with $values.extraVolumeMounts }}{{ toYaml . | nindent 4 }}{{- end }}
{{- end }}

{{- define "thaw.resources" -}}
{{- $resources := deepCopy .Values.resources }}
{{- if eq .Values.device "gpu" }}
{{- $gpu := dict .Values.gpu.resourceName .Values.gpu.count }}
{{- $_ := set $resources "limits" (merge $gpu (default dict $resources.limits)) }}
{{- $_ := set $resources "requests" (merge $gpu (default dict $resources.requests)) }}
{{- end }}
{{- toYaml $resources }}
{{- end }}

{{- define "thaw.placement" -}}
{{- $root := index . 0 }}{{- $values := $root.Values }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if kindIs "slice" $values.topologySpreadConstraints }} {{ toJson $values.topologySpreadConstraints }}
{{- else }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "thaw.selector" $root | nindent 8 }}
        app.kubernetes.io/component: {{ index $ 1 }}
{{- end }}
{{- end }}
{{- end }}
