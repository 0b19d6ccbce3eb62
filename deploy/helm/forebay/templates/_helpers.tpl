{{- define "forebay.name" -}}
{{- contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "forebay.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "forebay.labels" -}}
{{ include "forebay.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* forebay.yaml. The folder below the volume is made by forebay, for itself alone. */}}
{{- define "forebay.config" -}}
{{- $set := dict "ack" .Values.ack "listen" "0.0.0.0:8080" "admin" "0.0.0.0:8081" "data" "/data/forebay" }}
{{- merge $set (deepCopy .Values.config) | toYaml }}
{{- end }}

{{- /* The pod, the same in both kinds of workload. */}}
{{- define "forebay.pod" -}}
metadata:
  labels:
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
    {{- include "forebay.selector" . | nindent 4 }}
  annotations:
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
    checksum/config: {{ include "forebay.config" . | sha256sum }}
spec:
  serviceAccountName: {{ include "forebay.name" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: forebay
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --config, /etc/forebay/forebay.yaml]
      {{- with .Values.existingSecret }}
      envFrom:
        - secretRef: {name: {{ . }}}
      {{- end }}
      {{- with .Values.extraEnv }}
      env: {{ toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: webhooks, containerPort: 8080}
        - {name: admin, containerPort: 8081}
      # A journal of millions takes seconds to open.
      startupProbe:
        httpGet: {path: /healthz, port: admin}
        periodSeconds: 2
        failureThreshold: 60
      # Fails when only a restart helps.
      livenessProbe:
        httpGet: {path: /healthz, port: admin}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      # Fails while deliveries would get 503.
      readinessProbe:
        httpGet: {path: /readyz, port: admin}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      lifecycle:
        preStop: {sleep: {seconds: {{ .Values.preStopSeconds }}}}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources: {{ toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/forebay, readOnly: true}
        - {name: data, mountPath: /data}
  volumes:
    - name: config
      projected:
        defaultMode: 0440
        sources:
          - configMap: {name: {{ include "forebay.name" . }}}
          {{- with .Values.existingFiles }}
          - secret: {name: {{ . }}}
          {{- end }}
    {{- if eq .Values.ack "stream" }}
    - name: data
      emptyDir: {sizeLimit: 64Mi}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints: {{ toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
