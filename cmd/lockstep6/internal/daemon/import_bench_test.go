package daemon

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/store/exchange"
)

// BenchmarkImport imports b.N leases of as many clients, from text that is made as it is read, into an empty store on disk:
// with -benchtime 1000000x a million. What it takes of an entry is the rate at which an import goes.
func BenchmarkImport(b *testing.B) {
	end := time.Now().Add(time.Hour)
	for _, c := range []struct {
		format exchange.Format
		head   string
		entry  func(w io.Writer, n int)
	}{
		{exchange.Kea, keaHeader, func(w io.Writer, n int) {
			fmt.Fprintf(w, "2001:db8:1:0:1::%x:%x,00:03:00:01:02:00:%02x:%02x:%02x:%02x,4000,%d,1,2500,0,1,128,0,0,,,0,\n",
				n>>16, n&0xffff, n>>24, n>>16&0xff, n>>8&0xff, n&0xff, end.Unix())
		}},
		{exchange.ISC, "authoring-byte-order little-endian;\n", func(w io.Writer, n int) {
			fmt.Fprintf(w, "ia-na \"\\001\\000\\000\\000\\000\\003\\000\\001\\002\\000\\%03o\\%03o\\%03o\\%03o\" {\n  cltt %s;\n  iaaddr 2001:db8:1:0:1::%x:%x {\n"+
				"    binding state active;\n    preferred-life 2500;\n    max-life 4000;\n    ends %s;\n  }\n}\n\n",
				n>>24, n>>16&0xff, n>>8&0xff, n&0xff, end.Add(-4000*time.Second).UTC().Format("1 2006/01/02 15:04:05"), n>>16, n&0xffff, end.UTC().Format("1 2006/01/02 15:04:05"))
		}},
	} {
		b.Run(string(c.format), func(b *testing.B) {
			folder := b.TempDir()
			r, w := io.Pipe()
			go func() {
				out := bufio.NewWriterSize(w, 1<<20)
				_, _ = out.WriteString(c.head) // Flush tells
				for n := range b.N {
					c.entry(out, n)
				}
				_ = w.CloseWithError(out.Flush()) // never fails
			}()
			source := exchange.NewKea(r, "f")
			if c.format == exchange.ISC {
				source = exchange.NewISC(r, "f", false)
			}
			result, err := Import(b.Context(), &Importing{
				ConfigFile: filepath.Join(folder, "lockstep6.yaml"), Text: []byte("store: {capacity: 16000000}\n" + oneLink), Data: filepath.Join(folder, "data"),
				Source: source, Logger: slog.New(slog.DiscardHandler), Progress: func(*Imported) {}, Skipped: func(string, int, string, string) {},
			})
			if err != nil || result.Taken != uint64(b.N) {
				b.Fatalf("%v, %+v", err, result)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leases/s")
		})
	}
}
