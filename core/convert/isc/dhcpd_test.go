package isc

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// dhcpd asks ISC's server what it says of a configuration. It crashes on some that it takes; then there is no verdict.
func dhcpd(t *testing.T, path, text string) (accept, verdict bool, said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dhcpd6.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "-6", "-t", "-cf", file, "-lf", os.DevNull).CombinedOutput()
	exit, isExit := errors.AsType[*exec.ExitError](err)
	if err != nil && !isExit {
		t.Fatal(err)
	}
	return err == nil, !isExit || exit.ExitCode() == 1, string(out)
}

func installed(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("dhcpd")
	if err != nil {
		path = "/usr/sbin/dhcpd"
		if _, err := os.Stat(path); err != nil {
			t.Fatal("dhcpd isn't installed; `make deps` installs it")
		}
	}
	return path
}

// alike asks dhcpd about many configurations, and compares what it says with what we say.
func alike(t *testing.T, texts []string) {
	t.Helper()
	path := installed(t)
	var wait sync.WaitGroup
	work := make(chan string)
	for range 4 {
		wait.Go(func() {
			for text := range work {
				accept, verdict, said := dhcpd(t, path, text)
				_, k := parse(source(text))
				if own := len(k.faults) == 0; verdict && own != accept {
					t.Errorf("dhcpd accepts it: %t, here: %t\n%s\n---\n%v\n---\n%s", accept, own, text, k.faults, said)
				}
			}
		})
	}
	for _, text := range texts {
		work <- text
	}
	close(work)
	wait.Wait()
}

// TestVerdictsAreDhcpds has dhcpd say once more what testdata/verdicts.txt has of it.
func TestVerdictsAreDhcpds(t *testing.T) {
	var texts []string
	for _, v := range verdicts(t) {
		texts = append(texts, v.text)
	}
	for _, file := range corpus(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
	}
	alike(t, texts)
}

// TestMutations changes single tokens of what dhcpd takes: one is left out, doubled, exchanged for another one of the same text.
func TestMutations(t *testing.T) {
	random := rand.New(rand.NewPCG(26, 1))
	var texts []string
	for _, file := range corpus(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			texts = append(texts, mutated(random, string(data)))
		}
	}
	for _, v := range verdicts(t) {
		if v.accept && random.IntN(3) == 0 {
			texts = append(texts, mutated(random, v.text))
		}
	}
	alike(t, texts)
}

func mutated(random *rand.Rand, text string) string {
	tokens, _ := lex("x", []byte(text))
	if len(tokens) == 0 {
		return text
	}
	i, k := random.IntN(len(tokens)), random.IntN(len(tokens))
	switch random.IntN(4) {
	case 0:
		tokens = append(tokens[:i:i], tokens[i+1:]...)
	case 1:
		tokens = append(tokens[:i+1:i+1], tokens[i:]...)
		tokens[i+1].glue = false
	case 2:
		tokens[i].text, tokens[i].kind, tokens[k].text, tokens[k].kind = tokens[k].text, tokens[k].kind, tokens[i].text, tokens[i].kind
	default:
		tokens[i].text, tokens[i].kind = tokens[k].text, tokens[k].kind
	}
	return joined(tokens)
}

// joined writes tokens as a file.
func joined(tokens []token) string {
	var b strings.Builder
	for i := range tokens {
		if t := &tokens[i]; t.kind == kindText {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(t.text)
			b.WriteString(` "` + quoted + `"`)
		} else if t.glue {
			b.WriteString(t.text)
		} else {
			b.WriteString("\n" + t.text)
		}
	}
	return b.String() + "\n"
}
