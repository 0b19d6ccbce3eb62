package ssofy

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// A numberForm appends a JSON number to a message as one of SSOfy's libraries writes it.
type numberForm func(dst, raw []byte) []byte

// appendNodeNumber appends String(JSON.parse(raw)), which is ECMA-262's Number::toString: the shortest digits that
// round-trip, plain for 1e-6 ≤ |x| < 1e21, else with an exponent. Zero is falsy in Node's library and gives nothing.
func appendNodeNumber(dst, raw []byte) []byte {
	if plainInteger(raw) {
		return append(dst, raw...)
	}
	x := parseNumber(raw)
	switch abs := math.Abs(x); {
	case x == 0:
		return dst
	case math.IsInf(x, 0):
		return append(appendSign(dst, x), "Infinity"...)
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(dst, x, 'f', -1, 64)
	}
	return trimExponent(strconv.AppendFloat(dst, x, 'e', -1, 64))
}

// plainInteger reports whether every library writes raw as it is: up to 15 digits, not zero, no fraction.
func plainInteger(raw []byte) bool {
	digits := raw
	if raw[0] == '-' {
		digits = raw[1:]
	}
	if len(digits) > 15 || digits[0] == '0' {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// appendPHPNumber appends (string) json_decode(raw): integers up to 64 bits exactly, everything else as a float with
// 14 significant digits (precision=14), with an exponent where that is below -4 or from 14 on, never without a fraction
// in front of it (1.0E+21). See zend_gcvt in php-src main/snprintf.c.
func appendPHPNumber(dst, raw []byte) []byte {
	if i, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return strconv.AppendInt(dst, i, 10)
	}
	x := parseNumber(raw)
	switch {
	case x == 0:
		return append(dst, '0')
	case math.IsInf(x, 0):
		return append(appendSign(dst, x), "INF"...)
	}
	dst = appendSign(dst, x)
	digits, exponent := phpDigits(math.Abs(x))
	if exponent < -4 || exponent >= phpPrecision {
		return appendPHPExponent(dst, digits, exponent)
	}
	return appendPHPPlain(dst, digits, exponent)
}

const phpPrecision = 14 // significant digits: the default of PHP's "precision"

// phpDigits gives the significant digits of x, zeros at the end cut, and the exponent of the first one.
func phpDigits(x float64) (digits []byte, exponent int) {
	text := strconv.FormatFloat(x, 'e', phpPrecision-1, 64) // 1.2345678901235e+19
	mantissa, exp, _ := strings.Cut(text, "e")
	exponent, _ = strconv.Atoi(exp)
	digits = append([]byte(mantissa[:1]), mantissa[2:]...)
	return bytes.TrimRight(digits, "0"), exponent
}

// appendPHPExponent writes 1.0E-7 and 1.2345678901235E+19.
func appendPHPExponent(dst, digits []byte, exponent int) []byte {
	fraction := digits[1:]
	if len(fraction) == 0 {
		fraction = []byte("0")
	}
	dst = append(append(append(dst, digits[0], '.'), fraction...), 'E')
	if exponent >= 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(exponent), 10)
}

// appendPHPPlain writes 0.0012, 1.5 and 1200.
func appendPHPPlain(dst, digits []byte, exponent int) []byte {
	if exponent < 0 {
		dst = append(append(dst, "0."...), bytes.Repeat([]byte("0"), -exponent-1)...)
		return append(dst, digits...)
	}
	whole := exponent + 1
	if len(digits) <= whole {
		return append(append(dst, digits...), bytes.Repeat([]byte("0"), whole-len(digits))...)
	}
	dst = append(append(dst, digits[:whole]...), '.')
	return append(dst, digits[whole:]...)
}

// trimExponent turns strconv's two-digit exponent (1e-07) into the shortest (1e-7).
func trimExponent(text []byte) []byte {
	n := len(text)
	if text[n-2] == '0' && (text[n-3] == '-' || text[n-3] == '+') {
		text[n-2] = text[n-1]
		text = text[:n-1]
	}
	return text
}

func appendSign(dst []byte, x float64) []byte {
	if x < 0 {
		return append(dst, '-')
	}
	return dst
}

// parseNumber reads a JSON number as a double; what is out of range becomes infinite or zero, as in both languages.
func parseNumber(raw []byte) float64 {
	x, _ := strconv.ParseFloat(string(raw), 64)
	return x
}
