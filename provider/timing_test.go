package provider_test

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// A guess is a check that takes what a stranger sends in place of a MAC or a secret. Where it took longer for one that
// is right in its first half, the right one could be found byte by byte.
type guess struct {
	name  string
	right []byte
	check func(sent []byte) bool
}

func guesses(t *testing.T) []guess {
	t.Helper()
	keys, err := provider.Config{Secrets: []string{"invented-secret"}}.HMACKeys()
	if err != nil {
		t.Fatal(err)
	}
	message := []byte(`{"event":"x"}`)
	sum := keys[0].Sum(message)
	secret := "invented-secret-of-thirty-two-by"
	return []guess{
		{"FindKey", sum[:], func(sent []byte) bool { return provider.FindKey(keys, message, [32]byte(sent)) != nil }},
		{"FindSecret", []byte(secret), func(sent []byte) bool { return provider.FindSecret([]string{secret}, string(sent)) }},
	}
}

// TestGuessingTakesAsLong compares, in pairs, how long a check takes for what differs in its first byte and in its last.
func TestGuessingTakesAsLong(t *testing.T) {
	for _, g := range guesses(t) {
		if !g.check(g.right) {
			t.Fatalf("%s: the right one is refused", g.name)
		}
		score := leak(g)
		t.Logf("%s: score %.1f", g.name, score)
		if score > leaks {
			t.Errorf("%s: what is wrong in its last byte takes longer than in its first: score %.1f, at most %d", g.name, score, leaks)
		}
	}
}

// TestLeakIsSeen: a check that stops at the first wrong byte is one that the test above would find.
func TestLeakIsSeen(t *testing.T) {
	right := bytes.Repeat([]byte("k"), 32)
	naive := guess{"naive", right, func(sent []byte) bool {
		for i := range right {
			if sent[i] != right[i] {
				return false
			}
		}
		return true
	}}
	score := leak(naive)
	t.Logf("score %.1f", score)
	if score <= leaks {
		t.Errorf("score %.1f: a naive comparison passes for one in constant time", score)
	}
}

// leaks is the score from which a difference is no noise. Noise scores 1 or 2, a naive comparison behind an HMAC 40 and
// more, and alone in the hundreds.
const leaks = 15

// leak scores how surely a check takes longer for the wrong last byte than for the wrong first one (Welch's t). A
// measurement is many calls; each pair is made in both orders, what the machine interrupted is left out, and of three
// scores the least counts: noise is not in all of them, and what leaks is.
func leak(g guess) float64 {
	least := math.Inf(1)
	for range 3 {
		var first, last []float64
		for range 500 {
			a, b := measure(g, 0), measure(g, len(g.right)-1)
			c, d := measure(g, len(g.right)-1), measure(g, 0)
			first, last = append(first, a, d), append(last, b, c)
		}
		if least = min(least, welch(quiet(last), quiet(first))); least <= leaks {
			break
		}
	}
	return least
}

// measure is how long a hundred checks take of what is wrong at one byte, in nanoseconds.
func measure(g guess, at int) float64 {
	sent := bytes.Clone(g.right)
	sent[at] ^= 1
	began := time.Now()
	for range 100 {
		if g.check(sent) {
			panic("a wrong one is accepted")
		}
	}
	return float64(time.Since(began))
}

// quiet is the faster half of some measurements.
func quiet(times []float64) []float64 {
	slices.Sort(times)
	return times[:len(times)/2]
}

// welch is Welch's t of two samples: the difference of their means in standard errors.
func welch(a, b []float64) float64 {
	meanA, errorA := spread(a)
	meanB, errorB := spread(b)
	return (meanA - meanB) / math.Sqrt(errorA+errorB)
}

// spread is the mean of a sample, and the square of its standard error.
func spread(sample []float64) (mean, squared float64) {
	n := float64(len(sample))
	for _, x := range sample {
		mean += x / n
	}
	for _, x := range sample {
		squared += (x - mean) * (x - mean) / (n - 1) / n
	}
	return mean, squared
}
