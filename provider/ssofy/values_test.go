package ssofy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
)

// FuzzValues holds the walk to a plain one over maps, and names to a comparison in UTF-16.
func FuzzValues(f *testing.F) {
	for _, v := range providertest.Vectors[vector](f, "ssofy.json") {
		f.Add([]byte(v.Body))
	}
	f.Add([]byte(`{"\ue000":"a","🏠":"b","é":"c","4294967294":1,"4294967295":2,"10":3,"9":4,"01":5,"":6,"a":7,"aa":8}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := provider.ParseObject(body)
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var plain any
		if err := d.Decode(&plain); err != nil {
			t.Fatal(err)
		}
		got, _ := appendValues(nil, signedValues(v), appendNodeNumber)
		if want := plainValues(plain); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func plainValues(v any) (message string) {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	case json.Number:
		x, _ := strconv.ParseFloat(v.String(), 64)
		if x > 1e308 || x < -1e308 {
			return string(appendNodeNumber(nil, []byte(v)))
		}
		return toString(x)
	case []any:
		for _, element := range v {
			message += plainValues(element)
		}
	case map[string]any:
		var names []string
		for name := range v {
			names = append(names, name)
		}
		slices.SortFunc(names, plainCompare)
		for _, name := range names {
			message += plainValues(v[name])
		}
	}
	return message
}

func plainCompare(a, b string) int {
	i, aIndex := plainIndex(a)
	j, bIndex := plainIndex(b)
	switch {
	case aIndex && bIndex:
		return int(i - j)
	case aIndex:
		return -1
	case bIndex:
		return 1
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func plainIndex(name string) (int64, bool) {
	i, err := strconv.ParseUint(name, 10, 32)
	return int64(i), err == nil && i < 1<<32-1 && strconv.FormatUint(i, 10) == name
}

// FuzzTampering: what has another message is never accepted, and nothing panics.
func FuzzTampering(f *testing.F) {
	vectors := providertest.Vectors[vector](f, "ssofy.json")
	for i, v := range vectors {
		f.Add([]byte(v.Body), []byte(vectors[(i+1)%len(vectors)].Body), v.Path, v.Headers["Signature"])
	}
	p := newProvider(f, "test-secret-4f1d9c7e2b")
	f.Fuzz(func(t *testing.T, body, tampered []byte, path, signature string) {
		r, err := p.Sample("safety_reset")
		if err != nil {
			t.Fatal(err)
		}
		r.Body = body
		if p.Sign(&r) != nil {
			return
		}
		if err := p.Verify(r); (err == nil) != wellFormed(body) {
			t.Fatalf("Verify what Sign signed: %v", err)
		}
		signed := message(p, r, appendNodeNumber)
		s, err := readSignature(r.Header)
		if err != nil {
			t.Fatal(err)
		}
		r.Body, r.URL.Path = tampered, path
		same := false
		if _, err := provider.ParseObject(tampered); err == nil {
			same = message(p, r, appendNodeNumber) == signed || message(p, r, appendPHPNumber) == signed
		}
		if p.Verify(r) == nil && !same {
			t.Errorf("signed %q with salt %q: %q is accepted", body, s.salt, tampered)
		}
		_, _ = p.Decode(r) // does not panic
		r.Header.Set(header, signature)
		_ = p.Verify(r) // nor does this
		_, _ = p.Decode(r)
	})
}

// What strangers may have sorted is bounded, whatever they sign with.
func TestValuesAreBounded(t *testing.T) {
	p := newProvider(t, "test-secret-4f1d9c7e2b")
	for values, want := range map[int]bool{maxValues: true, maxValues + 1: false} {
		r, err := p.Sample("safety_reset")
		if err != nil {
			t.Fatal(err)
		}
		r.Body = []byte(`{"a":[1` + strings.Repeat(",1", values-3) + `]}`) // the object, the array and its numbers
		body, err := provider.ParseObject(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		message, _ := appendValues([]byte(p.signedPath(r.URL)), signedValues(body), appendNodeNumber)
		r.Header.Set(header, sign(p.keys[0], string(message), "salted"))
		if err := p.Verify(r); (err == nil) != want {
			t.Errorf("%d values: %v", values, err)
		}
	}
}

func wellFormed(body []byte) bool {
	v, err := provider.ParseObject(body)
	return err == nil && v.WellFormed()
}

func message(p *Provider, r provider.Request, form numberForm) string {
	body, err := provider.ParseObject(r.Body)
	if err != nil {
		return ""
	}
	m, _ := appendValues([]byte(p.signedPath(r.URL)), signedValues(body), form)
	return string(m)
}

func BenchmarkVerify(b *testing.B) {
	for _, native := range []string{"otp_requested", "user_created"} {
		b.Run(native, func(b *testing.B) {
			p, r := signedSample(b, native)
			for b.Loop() {
				if err := p.Verify(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	p, r := signedSample(b, "otp_requested")
	for b.Loop() {
		if _, err := p.Decode(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	p, r := signedSample(b, "otp_requested")
	for b.Loop() {
		p.Answer(r, provider.Outcome{})
	}
}

func signedSample(b *testing.B, native string) (*Provider, provider.Request) {
	b.Helper()
	b.ReportAllocs()
	p := newProvider(b, "test-secret-4f1d9c7e2b")
	return p, providertest.Signed(b, p, native)
}
