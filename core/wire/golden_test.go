package wire_test

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/wire"
)

var rewrite = flag.Bool("rewrite", false, "write what the parser says now into testdata/packets")

const goldenMark = "----\n"

// readPacket reads an annotated packet: octets in hexadecimal, comments from # to the end of the line,
// and behind a line of dashes what it should mean.
func readPacket(t testing.TB, name string) (octets []byte, annotated, want string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	annotated, want, _ = strings.Cut(string(text), goldenMark)
	var digits strings.Builder
	for line := range strings.Lines(annotated) {
		data, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(data), ""))
	}
	octets, err = hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return octets, annotated, want
}

func packets(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/packets/*.hex")
	if err != nil || len(names) == 0 {
		t.Fatalf("no packets in testdata/packets: %v", err)
	}
	return names
}

// Packets of real clients and relays mean what stands below them; relayed ones get the Relay-reply levels
// that stand there too.
func TestPackets(t *testing.T) {
	for _, name := range packets(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".hex"), func(t *testing.T) {
			octets, annotated, want := readPacket(t, name)
			p := mustParse(t, octets)
			got := dump(p)
			if p.RelayCount > 0 {
				reply, marks := wire.OpenRelays(nil, p)
				reply = wire.CloseRelays(wire.AppendHeader(reply, wire.Reply, p.Message.TransactionID), marks)
				got += "answered by\n" + dump(mustParse(t, asForward(reply)))
			}
			if *rewrite {
				if err := os.WriteFile(name, []byte(annotated+goldenMark+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
