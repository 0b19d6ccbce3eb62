package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// vitals are what a contestant says of itself on its admin listener; zero where it has none.
type vitals struct {
	mallocs  float64 // objects allocated since it started
	resident float64 // bytes of memory
}

func (p *process) vitals(ctx context.Context) (v vitals, err error) {
	if p.at.Admin == "" {
		return v, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.at.Admin+"/metrics", nil)
	if err != nil {
		return v, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return v, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return v, fmt.Errorf("read %s/metrics: %s", p.at.Admin, answer.Status)
	}
	return readVitals(answer.Body)
}

// readVitals reads Prometheus' text format: a name, a blank, a number.
func readVitals(text io.Reader) (v vitals, err error) {
	wanted := map[string]*float64{
		"go_memstats_mallocs_total":     &v.mallocs,
		"process_resident_memory_bytes": &v.resident,
	}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		name, number, _ := strings.Cut(lines.Text(), " ")
		if wanted[name] == nil {
			continue
		}
		if *wanted[name], err = strconv.ParseFloat(number, 64); err != nil {
			return v, fmt.Errorf("metric %s: %w", name, err)
		}
	}
	return v, lines.Err()
}
