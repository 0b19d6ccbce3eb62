package journal

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// BenchmarkAppend is what a delivery of one event costs with 64 of them at a time, flush included.
func BenchmarkAppend(b *testing.B) {
	j, err := Open(Config{Dir: b.TempDir(), Now: time.Now, Log: discard})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	body := make([]byte, 900)
	var n atomic.Uint64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m := message(fmt.Sprint(n.Add(1)))
			m.Body = body
			for i := range 10 {
				m.Header += schema.Header(fmt.Sprintf("ce-header%d: some value of a header\r\n", i))
			}
			if _, err := j.Append(context.Background(), []Entry{{Lane: Normal, Horizon: time.Hour, Message: m}}); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkDecodeRecord(b *testing.B) {
	m := message("1")
	m.Body = make([]byte, 900)
	value := appendMessage(make([]byte, recordHead), &m)
	key := recordKey(Normal, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := decodeRecord(key, value); err != nil {
			b.Fatal(err)
		}
	}
}
