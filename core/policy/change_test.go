package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/lockstep6/lockstep6/core/config"
)

// TestChanges runs the comparisons in testdata: each file is about one kind of change. Commands:
//
//	old     the YAML of a configuration
//	edit    makes another one from it, by lines TEXT => TEXT (or TEXT =>) that are replaced once; prints what it takes to go there
//	step    the same, and goes on from there: so the steps that one comparison tells are walked
//	new     the YAML of another configuration; prints what it takes to go there
//
// A key is the hash of its name. Rewrite the expectations with -rewrite and read the difference.
func TestChanges(t *testing.T) {
	datadriven.Walk(t, "testdata/change", func(t *testing.T, path string) {
		old := ""
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			before := old
			switch d.Cmd {
			case "old":
				old = d.Input
				return compareTexts(t, old, old)
			case "new":
				return compareTexts(t, before, d.Input)
			case "edit":
				return compareTexts(t, before, edited(t, d, before))
			case "step":
				old = edited(t, d, before)
				return compareTexts(t, before, old)
			}
			d.Fatalf(t, "there is no command %s", d.Cmd)
			return ""
		})
	})
}

func edited(t *testing.T, d *datadriven.TestData, text string) string {
	t.Helper()
	for line := range strings.Lines(d.Input) {
		line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), `\n`, "\n")
		from, to, ok := strings.Cut(line, " =>")
		if !ok || !strings.Contains(text, from) {
			d.Fatalf(t, "the configuration has no %q", from)
		}
		text = strings.Replace(text, from, strings.TrimPrefix(to, " "), 1)
	}
	return text
}

// compareTexts tells what it takes to go from one configuration to another. Which node compiles them makes no difference.
func compareTexts(t *testing.T, before, after string) string {
	t.Helper()
	first := ""
	for n, old := range compileNodes(t, before) {
		for _, p := range compileNodes(t, after) {
			text := comparisonText(Compare(old, p))
			if n == 0 && first == "" {
				first = text
			}
			if text != first {
				t.Errorf("nodes tell different things:\n%s\n%s", first, text)
			}
		}
	}
	return first
}

func compileNodes(t *testing.T, text string) (policies []*Policy) {
	t.Helper()
	cfg := parse(t, text)
	in := input("")
	in.Resolve = func(s config.Secret) ([]byte, error) {
		if name, ok := strings.CutPrefix(string(s), "file:"); ok {
			sum := sha256.Sum256([]byte(name))
			return sum[:], nil
		}
		return hex.DecodeString(string(s))
	}
	names := []string{""}
	if cfg.Cluster != nil {
		names = nil
		for _, n := range cfg.Cluster.Nodes {
			names = append(names, n.Name)
		}
	}
	for _, name := range names {
		in.Node = name
		p, err := Compile(cfg, in)
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, p)
	}
	return policies
}

func comparisonText(c *Comparison) string {
	var b strings.Builder
	for _, change := range c.Changes {
		fmt.Fprintln(&b, change.What)
		for _, part := range [][2]string{{"effect", change.Effect}, {"before", change.Before}, {"hazard", change.Hazard}, {"instead", change.Instead}} {
			if part[1] != "" {
				fmt.Fprintf(&b, "  %s: %s\n", part[0], part[1])
			}
		}
		for i, step := range change.Steps {
			fmt.Fprintf(&b, "  %d. %s\n", i+1, step)
		}
	}
	if len(c.Rest) > 0 {
		fmt.Fprintln(&b, "rest:", strings.Join(c.Rest, ", "))
	}
	if c.Safe() {
		fmt.Fprintln(&b, "safe")
	} else {
		fmt.Fprintln(&b, "NOT SAFE")
	}
	return b.String()
}
