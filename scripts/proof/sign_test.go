package main

import (
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// The known answers of the providers' documentation and of the standards.
func TestSignaturesAreThoseOfTheDocumentation(t *testing.T) {
	const standard = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := standardWebhooks("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
		[]byte(`{"test": 2432232314}`)); got != standard {
		t.Errorf("Standard Webhooks: %s, want %s", got, standard)
	}
	const ssofy = "49dfbcc23614133ad4823f8027cd3b583dcab0c811f2f844d84c2cf453987131"
	if got := hex.EncodeToString(mac([]byte("SECRET-BETWEEN-US"), "/v1/signature-testYellowGreenBlueRed1happytUPDqF")); got != ssofy {
		t.Errorf("SSOfy: %s, want %s", got, ssofy)
	}
	// RFC 9421, B.2.5
	key, err := base64.StdEncoding.DecodeString("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
	if err != nil {
		t.Fatal(err)
	}
	base := `"date": Tue, 20 Apr 2021 02:07:55 GMT` + "\n" + `"@authority": example.com` + "\n" + `"content-type": application/json` + "\n" +
		`"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`
	const rfc = "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="
	if got := base64.StdEncoding.EncodeToString(mac(key, base)); got != rfc {
		t.Errorf("RFC 9421: %s, want %s", got, rfc)
	}
}

func TestValuesFollowTheNames(t *testing.T) {
	v := object{"b": []any{"2", "3"}, "a": object{"z": "1"}, "c": object{}}
	if got := values(v); got != "123" {
		t.Errorf("values: %q, want 123", got)
	}
}
