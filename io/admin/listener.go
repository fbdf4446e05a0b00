package admin

import (
	"net/http"
	"time"
)

// Whoever reads an answer must take so many octets within so much time, else he is cut off: he holds memory, and the node's end.
const (
	patienceOctets = 64 << 10
	patienceTime   = 30 * time.Second
)

// A patient answer goes on for as long as its reader takes it, however long it is. Only the time for which the reader is waited
// for counts against him: an answer may have nothing to say for hours, as one that follows the log.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	octets  int           // until the reader has earned himself the whole time again
	left    time.Duration // for which he is waited for until then
}

func newPatient(w http.ResponseWriter) *patient {
	return &patient{ResponseWriter: w, control: http.NewResponseController(w), octets: patienceOctets, left: patienceTime}
}

// Unwrap lets http.ResponseController find what is behind.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (written int, err error) {
	for {
		piece := b[written:min(len(b), written+p.octets)]
		begin := p.extend()
		n, err := p.ResponseWriter.Write(piece)
		p.left = max(0, p.left-time.Since(begin))
		written += n
		if p.octets -= n; p.octets <= 0 {
			p.octets, p.left = patienceOctets, patienceTime
		}
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

// FlushError is what http.ResponseController looks for.
func (p *patient) FlushError() error {
	begin := p.extend()
	err := p.control.Flush()
	p.left = max(0, p.left-time.Since(begin))
	return err
}

// extend lets the reader be waited for from now on for as long as is left to him. At the end of an answer that is for what is
// still buffered of it.
func (p *patient) extend() (now time.Time) {
	now = time.Now()
	_ = p.control.SetWriteDeadline(now.Add(p.left)) // both kinds of connection can
	return now
}
