package udp

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// An assembler puts a classic BPF program together. Jumps go forward, to labels.
type assembler struct {
	code   []unix.SockFilter
	labels map[string]int
	jumps  []jump
}

type jump struct {
	at              int
	ifTrue, ifFalse string // "": the next instruction
}

func (a *assembler) emit(operation uint16, k uint32) {
	a.code = append(a.code, unix.SockFilter{Code: operation, K: k})
}

func (a *assembler) label(name string) {
	if a.labels == nil {
		a.labels = make(map[string]int)
	}
	a.labels[name] = len(a.code)
}

func (a *assembler) jump(condition uint16, k uint32, ifTrue, ifFalse string) {
	a.jumps = append(a.jumps, jump{len(a.code), ifTrue, ifFalse})
	a.emit(unix.BPF_JMP|condition, k)
}

// assemble fills in the distances. A program with a jump that doesn't fit is a mistake in this package.
func (a *assembler) assemble() []unix.SockFilter {
	for _, j := range a.jumps {
		instruction := &a.code[j.at]
		ifTrue, ifFalse := a.distance(j.at, j.ifTrue), a.distance(j.at, j.ifFalse)
		if instruction.Code == unix.BPF_JMP|unix.BPF_JA {
			instruction.K = uint32(ifTrue)
			continue
		}
		if ifTrue > 255 || ifFalse > 255 {
			panic(fmt.Sprintf("udp: steering program: jump at %d is too long", j.at))
		}
		instruction.Jt, instruction.Jf = uint8(ifTrue), uint8(ifFalse)
	}
	return a.code
}

func (a *assembler) distance(from int, name string) int {
	if name == "" {
		return 0
	}
	to, ok := a.labels[name]
	if !ok || to <= from {
		panic(fmt.Sprintf("udp: steering program: no label %q behind %d", name, from))
	}
	return to - from - 1
}
