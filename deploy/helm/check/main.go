// Command check reads Kubernetes manifests on standard input, as helm template prints them, and refuses what a cluster
// would refuse: kinds, fields and values that the types of the Kubernetes API do not have (strict decoding, as the server
// does with fieldValidation: Strict), and references that lead nowhere. It prints forebay.yaml, the one in the ConfigMap.
//
//	helm template forebay deploy/helm/forebay -f values.yaml | check
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	decode "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// newObject makes an empty object of each kind that the chart may have.
var newObject = map[meta.TypeMeta]func() any{
	{APIVersion: "v1", Kind: "ConfigMap"}:                            func() any { return new(core.ConfigMap) },
	{APIVersion: "v1", Kind: "Service"}:                              func() any { return new(core.Service) },
	{APIVersion: "v1", Kind: "ServiceAccount"}:                       func() any { return new(core.ServiceAccount) },
	{APIVersion: "apps/v1", Kind: "StatefulSet"}:                     func() any { return new(apps.StatefulSet) },
	{APIVersion: "apps/v1", Kind: "Deployment"}:                      func() any { return new(apps.Deployment) },
	{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}:           func() any { return new(policy.PodDisruptionBudget) },
	{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}:      func() any { return new(networking.NetworkPolicy) },
	{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}:            func() any { return new(networking.Ingress) },
	{APIVersion: "monitoring.coreos.com/v1", Kind: "ServiceMonitor"}: func() any { return new(monitoring.ServiceMonitor) },
}

func main() {
	if err := run(os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(stdin io.Reader, stdout, stderr io.Writer) error {
	all, err := read(stdin)
	if err != nil {
		return err
	}
	if err := errors.Join(all.loose()...); err != nil {
		return err
	}
	for _, name := range all.names {
		fmt.Fprintln(stderr, "  ok", name)
	}
	_, err = io.WriteString(stdout, all.config.Data["forebay.yaml"])
	return err
}

// read decodes every document, strictly: an unknown field, one that is there twice and a wrong type are errors.
func read(r io.Reader) (*manifests, error) {
	var all manifests
	documents := decode.NewYAMLReader(bufio.NewReader(r))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return &all, nil
		}
		if err != nil {
			return nil, err
		}
		if err := all.add(text); err != nil {
			return nil, err
		}
	}
}

func (m *manifests) add(text []byte) error {
	var head struct {
		meta.TypeMeta `json:",inline"`
		Metadata      meta.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return err
	}
	if head.TypeMeta == (meta.TypeMeta{}) {
		return nil // nothing but a comment
	}
	name := head.Kind + "/" + head.Metadata.Name
	make, ok := newObject[head.TypeMeta]
	if !ok {
		return fmt.Errorf("%s: no such kind: %s", name, head.APIVersion)
	}
	object := make()
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.names = append(m.names, name)
	m.keep(object)
	return nil
}
