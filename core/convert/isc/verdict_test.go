package isc

import (
	"os"
	"strings"
	"testing"
)

// A verdict is what dhcpd says of a configuration.
type verdict struct {
	text   string
	accept bool
}

// verdicts are those of testdata/verdicts.txt, which dhcpd 4.4.3-P1 gave.
func verdicts(t testing.TB) (out []verdict) {
	t.Helper()
	data, err := os.ReadFile("testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		switch line {
		case "-- accept --\n", "-- refuse --\n":
			out = append(out, verdict{accept: strings.Contains(line, "accept")})
		default:
			out[len(out)-1].text += line
		}
	}
	return out
}

func source(text string) *Source {
	return &Source{File: "dhcpd6.conf", Data: []byte(text), Open: func(name string) ([]byte, error) { return nil, os.ErrNotExist }}
}

func TestVerdicts(t *testing.T) {
	for _, v := range verdicts(t) {
		_, k := parse(source(v.text))
		if accepts := len(k.faults) == 0; accepts != v.accept {
			t.Errorf("dhcpd accepts it: %t, here: %t:\n%s%s", v.accept, accepts, v.text, k.faults.Error())
		}
	}
}
