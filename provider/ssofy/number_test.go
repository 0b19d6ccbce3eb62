package ssofy

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ raw, node, php string }{
		{"0", "", "0"}, {"-0", "", "0"}, {"0.0", "", "0"}, {"-0.0e5", "", "0"}, {"1e-400", "", "0"},
		{"1", "1", "1"}, {"-7", "-7", "-7"}, {"1.0", "1", "1"}, {"1e2", "100", "100"}, {"1.50", "1.5", "1.5"},
		{"2147483648", "2147483648", "2147483648"}, {"999999999999999", "999999999999999", "999999999999999"},
		{"9007199254740993", "9007199254740992", "9007199254740993"},
		{"9223372036854775807", "9223372036854776000", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854776000", "-9223372036854775808"},
		{"9223372036854775808", "9223372036854776000", "9.2233720368548E+18"},
		{"12345678901234567890", "12345678901234567000", "1.2345678901235E+19"},
		{"1e-7", "1e-7", "1.0E-7"}, {"1e21", "1e+21", "1.0E+21"}, {"1.5E300", "1.5e+300", "1.5E+300"},
		{"123456789012345680000.0", "123456789012345680000", "1.2345678901235E+20"},
		{"0.000001", "0.000001", "1.0E-6"}, {"0.0001", "0.0001", "0.0001"}, {"-0.00012", "-0.00012", "-0.00012"},
		{"0.00001", "0.00001", "1.0E-5"}, {"1e13", "10000000000000", "10000000000000"},
		{"1e14", "100000000000000", "1.0E+14"}, {"99999999999999.9", "99999999999999.9", "1.0E+14"},
		{"0.1234567890123456", "0.1234567890123456", "0.12345678901235"}, {"3.14", "3.14", "3.14"},
		{"5e-324", "5e-324", "4.9406564584125E-324"}, {"1e400", "Infinity", "INF"}, {"-1e400", "-Infinity", "-INF"},
	} {
		if got := string(appendNodeNumber(nil, []byte(c.raw))); got != c.node {
			t.Errorf("Node: %s: got %q, want %q", c.raw, got, c.node)
		}
		if got := string(appendPHPNumber([]byte("e+0"), []byte(c.raw))); got != "e+0"+c.php {
			t.Errorf("PHP: %s: got %q, want %q", c.raw, got, c.php)
		}
	}
}

// FuzzNodeNumber holds the Node form to ECMA-262's Number::toString, built from digits and exponent.
func FuzzNodeNumber(f *testing.F) {
	for _, x := range []float64{1, 0.1, 1e-6, 9.99e-7, 1e20, 1e21, 123456789012345680000, 5e-324, math.MaxFloat64, -1.5} {
		f.Add(math.Float64bits(x))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		x := math.Float64frombits(bits)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return
		}
		for _, format := range []byte("eEfg") {
			raw := strconv.FormatFloat(x, format, -1, 64)
			if !json.Valid([]byte(raw)) {
				t.Fatalf("%s is no JSON", raw)
			}
			got := string(appendNodeNumber(nil, []byte(raw)))
			if want := toString(x); got != want {
				t.Errorf("%s: got %s, want %s", raw, got, want)
			}
			if back, _ := strconv.ParseFloat(got, 64); got != "" && back != x {
				t.Errorf("%s: %s reads as %v", raw, got, back)
			}
		}
		checkPHP(t, x)
	})
}

// toString is Number::toString of ECMA-262, step by step: n, k and s as there. Zero is nothing at SSOfy.
func toString(x float64) string {
	if x == 0 {
		return ""
	}
	if x < 0 {
		return "-" + toString(-x)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	s := strings.Replace(mantissa, ".", "", 1)
	e, _ := strconv.Atoi(exponent)
	k, n := len(s), e+1
	switch {
	case k <= n && n <= 21:
		return s + strings.Repeat("0", n-k)
	case 0 < n && n <= 21:
		return s[:n] + "." + s[n:]
	case -6 < n && n <= 0:
		return "0." + strings.Repeat("0", -n) + s
	}
	sign := "+"
	if n-1 < 0 {
		sign = "-"
	}
	tail := "e" + sign + strconv.Itoa(int(math.Abs(float64(n-1))))
	if k == 1 {
		return s + tail
	}
	return s[:1] + "." + s[1:] + tail
}

// checkPHP holds the PHP form to what it must be: x rounded to 14 significant digits.
func checkPHP(t *testing.T, x float64) {
	t.Helper()
	if x == 0 {
		return
	}
	raw := strconv.FormatFloat(x, 'e', -1, 64)
	got, ok := new(big.Rat).SetString(string(appendPHPNumber(nil, []byte(raw))))
	want, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'e', 13, 64))
	if !ok || got.Cmp(want) != 0 {
		t.Errorf("%s: got %v, want %v", raw, got, want)
	}
}
