package main

import (
	"fmt"
	"slices"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// manifests are what the chart made, as far as they refer to each other.
type manifests struct {
	names     []string // kind/name, in their order
	config    core.ConfigMap
	workloads int
	pod       core.PodTemplateSpec
	claims    []string // names of the volumes that a StatefulSet claims
	governing string   // the Service of a StatefulSet
	services  []core.Service
	monitors  []monitoring.ServiceMonitor
	selectors map[string]*meta.LabelSelector // of pods, by whose it is
	ports     []intstr.IntOrString           // of pods, that must be there by their name
	backends  []networking.IngressServiceBackend
}

func (m *manifests) keep(object any) {
	if m.selectors == nil {
		m.selectors = map[string]*meta.LabelSelector{}
	}
	switch o := object.(type) {
	case *core.ConfigMap:
		m.config = *o
	case *core.Service:
		m.services = append(m.services, *o)
		m.selectors["Service/"+o.Name] = &meta.LabelSelector{MatchLabels: o.Spec.Selector}
		for _, p := range o.Spec.Ports {
			m.ports = append(m.ports, p.TargetPort)
		}
	case *apps.StatefulSet:
		m.workloads++
		m.pod, m.governing, m.selectors["StatefulSet"] = o.Spec.Template, o.Spec.ServiceName, o.Spec.Selector
		for _, c := range o.Spec.VolumeClaimTemplates {
			m.claims = append(m.claims, c.Name)
		}
	case *apps.Deployment:
		m.workloads++
		m.pod, m.selectors["Deployment"] = o.Spec.Template, o.Spec.Selector
	case *policy.PodDisruptionBudget:
		m.selectors["PodDisruptionBudget"] = o.Spec.Selector
	case *networking.NetworkPolicy:
		m.selectors["NetworkPolicy"] = &o.Spec.PodSelector
		for _, rule := range o.Spec.Ingress {
			for _, p := range rule.Ports {
				m.ports = append(m.ports, *p.Port)
			}
		}
	case *networking.Ingress:
		for _, rule := range o.Spec.Rules {
			for _, path := range rule.HTTP.Paths {
				m.backends = append(m.backends, *path.Backend.Service)
			}
		}
	case *monitoring.ServiceMonitor:
		m.monitors = append(m.monitors, *o)
	}
}

// loose lists references that lead nowhere, and what the security of the pod is short of.
func (m *manifests) loose() (errs []error) {
	if m.workloads != 1 || len(m.pod.Spec.Containers) != 1 {
		return []error{fmt.Errorf("%d workloads with %d containers, want one with one", m.workloads, len(m.pod.Spec.Containers))}
	}
	for whose, s := range m.selectors {
		selector, err := meta.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(labels.Set(m.pod.Labels)) {
			errs = append(errs, fmt.Errorf("%s selects none of the pods: %v, %v", whose, s, err))
		}
	}
	errs = append(errs, m.loosePorts()...)
	errs = append(errs, m.looseServices()...)
	errs = append(errs, m.looseVolumes()...)
	return append(errs, unsafe(m.pod.Spec)...)
}

// loosePorts finds ports that the container has no port of that name for, those of the probes among them.
func (m *manifests) loosePorts() (errs []error) {
	c := m.pod.Spec.Containers[0]
	ports := slices.Clone(m.ports)
	for _, p := range []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if p == nil || p.HTTPGet == nil {
			errs = append(errs, fmt.Errorf("a probe is missing"))
			continue
		}
		ports = append(ports, p.HTTPGet.Port)
	}
	for _, port := range ports {
		if !slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == port.StrVal }) {
			errs = append(errs, fmt.Errorf("the container has no port %s", port.String()))
		}
	}
	return errs
}

func (m *manifests) looseServices() (errs []error) {
	if m.governing != "" && m.service(m.governing, "") == nil {
		errs = append(errs, fmt.Errorf("no Service %s, which the StatefulSet names", m.governing))
	}
	for _, b := range m.backends {
		if m.service(b.Name, b.Port.Name) == nil {
			errs = append(errs, fmt.Errorf("no Service %s with port %s, which the Ingress names", b.Name, b.Port.Name))
		}
	}
	for _, monitor := range m.monitors {
		selector, err := meta.LabelSelectorAsSelector(&monitor.Spec.Selector)
		selected := slices.DeleteFunc(slices.Clone(m.services), func(s core.Service) bool {
			return err != nil || !selector.Matches(labels.Set(s.Labels))
		})
		if len(selected) != 1 || m.service(selected[0].Name, monitor.Spec.Endpoints[0].Port) == nil {
			errs = append(errs, fmt.Errorf("the ServiceMonitor selects %d Services, want one with its port", len(selected)))
		}
	}
	return errs
}

// service finds a Service that has the port; an empty one is any.
func (m *manifests) service(name, port string) *core.Service {
	for _, s := range m.services {
		if s.Name == name && (port == "" || slices.ContainsFunc(s.Spec.Ports, func(p core.ServicePort) bool { return p.Name == port })) {
			return &s
		}
	}
	return nil
}

func (m *manifests) looseVolumes() (errs []error) {
	volumes := slices.Clone(m.claims)
	for _, v := range m.pod.Spec.Volumes {
		volumes = append(volumes, v.Name)
		if v.Projected != nil && v.Projected.Sources[0].ConfigMap.Name != m.config.Name {
			errs = append(errs, fmt.Errorf("no ConfigMap %s, which the pod names", v.Projected.Sources[0].ConfigMap.Name))
		}
	}
	for _, mount := range m.pod.Spec.Containers[0].VolumeMounts {
		if !slices.Contains(volumes, mount.Name) {
			errs = append(errs, fmt.Errorf("no volume %s, which the container mounts", mount.Name))
		}
	}
	return errs
}

// unsafe holds the pod to the "restricted" level of the Pod Security Standards, and to a root that nobody writes to:
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
func unsafe(pod core.PodSpec) (errs []error) {
	want := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("the pod has no %s", what))
		}
	}
	p, c := pod.SecurityContext, pod.Containers[0].SecurityContext
	if p == nil || c == nil || p.SeccompProfile == nil || c.Capabilities == nil {
		return []error{fmt.Errorf("the pod has no security context")}
	}
	want(p.RunAsNonRoot != nil && *p.RunAsNonRoot, "runAsNonRoot")
	want(p.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault, "seccomp profile")
	want(c.AllowPrivilegeEscalation != nil && !*c.AllowPrivilegeEscalation, "allowPrivilegeEscalation: false")
	want(c.ReadOnlyRootFilesystem != nil && *c.ReadOnlyRootFilesystem, "read-only root")
	want(slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}) && len(c.Capabilities.Add) == 0, "drop of all capabilities")
	want(pod.AutomountServiceAccountToken != nil && !*pod.AutomountServiceAccountToken, "automountServiceAccountToken: false")
	return errs
}
