package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used; zero where that cannot be known.
type usage struct {
	cpu      time.Duration // of one processor, since it started
	resident float64       // bytes of memory now
	mallocs  float64       // objects allocated since it started
}

// mallocsMetric is what Prometheus' client calls them.
const mallocsMetric = "go_memstats_mallocs_total"

// since gives what was used from one look to a later one.
func (u usage) since(before usage) usage {
	return usage{cpu: u.cpu - before.cpu, resident: u.resident, mallocs: u.mallocs - before.mallocs}
}

// usage asks the system, and the process itself on its admin listener, if it has one.
func (p *process) usage(ctx context.Context) (u usage, err error) {
	if u, err = readStat(p.command.Process.Pid); err != nil || p.at.Admin == "" {
		return u, err
	}
	u.mallocs, err = metric(ctx, p.at.Admin, mallocsMetric)
	return u, err
}

// ticks is how many there are in a second of processor time: USER_HZ, 100 on all of Linux's platforms that matter.
const ticks = 100

// readStat reads what Linux tells about a process; see proc_pid_stat(5). Other systems have no such file.
func readStat(pid int) (u usage, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return u, nil
	}
	if err != nil {
		return u, err
	}
	_, after, _ := bytes.Cut(text, []byte(") ")) // behind the name of the program
	fields := strings.Fields(string(after))
	if len(fields) < 22 {
		return u, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	numbers := make([]float64, 3)
	for i, field := range []int{11, 12, 21} { // utime, stime, rss
		if numbers[i], err = strconv.ParseFloat(fields[field], 64); err != nil {
			return u, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
	}
	u.cpu = time.Duration((numbers[0] + numbers[1]) / ticks * float64(time.Second))
	u.resident = numbers[2] * float64(os.Getpagesize())
	return u, nil
}

// metric reads one number from Prometheus' text format: a name, a blank, a number.
func metric(ctx context.Context, admin, name string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("read %s/metrics: %s", admin, answer.Status)
	}
	return findMetric(answer.Body, name)
}

func findMetric(text io.Reader, name string) (float64, error) {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		if found, number, _ := strings.Cut(lines.Text(), " "); found == name {
			return strconv.ParseFloat(number, 64)
		}
	}
	return 0, errors.Join(fmt.Errorf("there is no metric %s", name), lines.Err())
}
