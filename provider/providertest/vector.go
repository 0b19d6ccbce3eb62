package providertest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Vectors reads the signed cases of a file in testdata, {"vectors": [...]}, each into a V.
func Vectors[V any](t testing.TB, name string) []V {
	t.Helper()
	var file struct{ Vectors []V }
	Read(t, name, &file)
	if len(file.Vectors) == 0 {
		t.Fatalf("%s: no vectors", name)
	}
	return file.Vectors
}

// Read reads a JSON file in testdata: for what stands beside the vectors.
func Read(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Header makes the header of a request out of names, in any case, and values.
func Header(values map[string]string) http.Header {
	h := http.Header{}
	for name, value := range values {
		h.Set(name, value)
	}
	return h
}

// Decode gives the one event of a request.
func Decode(t testing.TB, p provider.Provider, r provider.Request) schema.Event {
	t.Helper()
	events, err := p.Decode(r)
	if err != nil || len(events) != 1 {
		t.Fatalf("Decode: %d events, %v", len(events), err)
	}
	return events[0]
}

// Signed is a sample of a native action, signed.
func Signed(t testing.TB, p provider.Provider, native string) provider.Request {
	t.Helper()
	r, err := p.(provider.Sampler).Sample(native)
	if err != nil {
		t.Fatalf("Sample: %v", err)
	}
	if err := p.(provider.Signer).Sign(&r); err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return r
}

// Sealer seals to a key that nobody keeps.
func Sealer(t testing.TB) *schema.Sealer {
	t.Helper()
	_, public, err := schema.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.NewSealer(public)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
