package pair

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bindings is the metric that tells how many leases a node has a record of.
const Bindings = "lockstep6_table_bindings"

// Metrics asks the node for its metrics, by name with labels, as Prometheus's text has them. Buckets of histograms are left out.
func (n *Node) Metrics() (map[string]float64, error) {
	client := http.Client{Timeout: startTime}
	response, err := client.Get("http://" + n.Admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the metrics of node %s: %s", n.Name, response.Status)
	}
	return metrics(response.Body)
}

func metrics(text io.Reader) (map[string]float64, error) {
	all := make(map[string]float64)
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		name, number, ok := cutLast(lines.Text())
		if !ok || strings.Contains(name, "_bucket{") {
			continue
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, fmt.Errorf("the metric %s: %w", name, err)
		}
		all[name] = f
	}
	return all, lines.Err()
}

// cutLast cuts a line at its last blank: a label's text may have some. Comments aren't metrics.
func cutLast(line string) (before, after string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || line[0] == '#' {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// Bindings is how many leases the node has in its table.
func (n *Node) Bindings() (int, error) {
	all, err := n.Metrics()
	if err != nil {
		return 0, err
	}
	f, ok := all[Bindings]
	if !ok {
		return 0, fmt.Errorf("the metrics of node %s don't tell how many bindings there are", n.Name)
	}
	return int(f), nil
}

// A Line is what is read of a line of the log.
type Line struct {
	Time     time.Time `json:"time"`
	ID       string    `json:"id"`
	Leases   int       `json:"leases"`   // of catch-up-peer: so many were told
	Complete bool      `json:"complete"` // the same: all that the peer was asked
}

// Find looks for the first line with an id in the log; false: it isn't there yet.
func (n *Node) Find(id string) (l Line, ok bool) {
	data, _ := os.ReadFile(n.log()) // what isn't there says nothing
	return find(data, id)
}

func find(log []byte, id string) (l Line, ok bool) {
	for text := range bytes.Lines(log) {
		l = Line{}
		// Other lines have other things by these names.
		if bytes.Contains(text, []byte(`"id":"`+id+`"`)) && json.Unmarshal(text, &l) == nil && l.ID == id {
			return l, true
		}
	}
	return Line{}, false
}
