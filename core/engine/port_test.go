package engine

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/peer"
)

// TestCountPortsIdle: where no limit asks for counts, the table isn't walked: there needn't even be one.
func TestCountPortsIdle(t *testing.T) {
	view := peer.NewView(peer.Options{Nodes: 1})
	CountPorts(view, nil, 1)
	if !view.Ports.Idle() {
		t.Error("ports are counted where nobody asked for it")
	}
}
