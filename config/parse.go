package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file. The parser takes the square of the number of keys, and of the depth, and it calls itself for each:
// 100 KB of "[" keep it busy for minutes, and more would overflow the stack, which ends the program. A bad file that is
// reloaded must do neither.
const (
	maxFile   = 4 << 20 // bytes: tens of thousands of sources
	maxDepth  = 100     // brackets and braces within each other
	maxColumn = 1000    // of what begins a line, and of a dash: each level of block style is a column further right
	parseTime = 10 * time.Second
)

var (
	errNotYAML = errors.New("not YAML")
	errTooLong = fmt.Errorf("larger than %d bytes", maxFile)
	errTooDeep = errors.New("too deep: keys, lists or brackets within each other by the hundred")
	errTooSlow = errors.New("too many keys and lists to be read in time")
)

// readFile reads a whole file, if it is not too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: %w", path, errTooLong)
	}
	return text, err
}

// parse parses a file, or gives up after limit. What was given up comes to its end in the background.
func parse(text []byte, limit time.Duration) (*ast.File, error) {
	type result struct {
		file *ast.File
		err  error
	}
	done := make(chan result, 1)
	go func() {
		file, err := parseTokens(string(text))
		done <- result{file, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.file, r.err
	case <-timer.C:
		return nil, problem{err: errTooSlow}
	}
}

// parseTokens guards against the parser, which has panicked on texts that are no YAML.
// https://github.com/goccy/go-yaml/issues/890
func parseTokens(text string) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errNotYAML
		}
	}()
	tokens := lexer.Tokenize(text)
	if err := checkDepth(tokens); err != nil {
		return nil, err
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // entries names duplicates better
}

// checkDepth refuses what the parser should not see. Tokens are found one after the other, at any depth.
func checkDepth(tokens token.Tokens) error {
	depth, line := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth = max(0, depth-1)
		}
		first := t.Position.Line > line || t.Type == token.SequenceEntryType
		line = t.Position.Line
		if depth > maxDepth || first && t.Position.Column > maxColumn {
			return problem{line: line, err: errTooDeep}
		}
	}
	return nil
}
