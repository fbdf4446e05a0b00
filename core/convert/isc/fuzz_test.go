package isc

import (
	"os"
	"testing"

	"github.com/lockstep6/lockstep6/core/convert"
)

// FuzzConvert has any text refused with places, or become a configuration that this server takes.
func FuzzConvert(f *testing.F) {
	for _, v := range verdicts(f) {
		f.Add(v.text)
	}
	for _, file := range corpus(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		src := source(text)
		src.Interfaces = machine
		_, k := parse(src)
		for _, fault := range k.faults {
			if fault.At.Line < 1 || fault.At.File == "" || fault.Problem == "" || fault.Remedy == "" {
				t.Errorf("%+v", fault)
			}
		}
		if len(k.faults) > 0 {
			return
		}
		r, err := Convert(src)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := convert.Settle(r.Draft, "lockstep6 convert isc", src.File); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
