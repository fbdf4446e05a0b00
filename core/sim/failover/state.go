package failover

// A State is that of an endpoint (RFC 8156, Section 8).
type State uint8

// The states. STARTUP isn't among them: a server that starts has the state from before, and Server.starting.
const (
	Recover State = iota
	RecoverWait
	RecoverDone
	Normal
	CommunicationsInterrupted
	PartnerDown
	PotentialConflict
	ResolutionInterrupted
	ConflictDone
)

var stateNames = [...]string{"RECOVER", "RECOVER-WAIT", "RECOVER-DONE", "NORMAL", "COMMUNICATIONS-INTERRUPTED", "PARTNER-DOWN",
	"POTENTIAL-CONFLICT", "RESOLUTION-INTERRUPTED", "CONFLICT-DONE"}

// String is the standard's name of the state.
func (s State) String() string { return stateNames[s] }

// A manner is to whom a server responds (RFC 8156, Section 3).
type manner uint8

const (
	unresponsive    manner = iota
	renewResponsive        // to messages with its Server Identifier
	responsive             // to all
)

// manner is the one of the server's state.
func (s *Server) manner() manner {
	switch {
	case s.starting:
		return unresponsive
	case s.disk.state == Normal && s.role == Secondary, s.disk.state == RecoverDone:
		return renewResponsive
	case s.disk.state == Recover, s.disk.state == RecoverWait, s.disk.state == PotentialConflict:
		return unresponsive
	}
	return responsive
}

// interrupted is the state that follows one when the connection is lost.
func interrupted(s State) State {
	switch s {
	case Normal:
		return CommunicationsInterrupted
	case PotentialConflict:
		return ResolutionInterrupted
	}
	return s
}

// next is the state that follows one when the partner is in another one and both are connected (Sections 8.4 to 8.12). What
// follows UPDDONE, a timer or an operator isn't here.
func next(s, partner State) State {
	conflict := partner == PotentialConflict || partner == ResolutionInterrupted || partner == ConflictDone
	switch s {
	case Recover:
		if conflict {
			return PotentialConflict
		}
	case RecoverDone:
		switch {
		case partner == Normal, partner == RecoverDone:
			return Normal
		case partner == Recover, partner == RecoverWait:
			return CommunicationsInterrupted
		case conflict:
			return PotentialConflict
		}
	case Normal:
		// A secondary is here before its primary has left CONFLICT-DONE (Section 8.12).
		if partner != Normal && partner != CommunicationsInterrupted && partner != RecoverDone && partner != ConflictDone {
			return next(CommunicationsInterrupted, partner)
		}
	case CommunicationsInterrupted:
		switch {
		case partner == Normal, partner == CommunicationsInterrupted, partner == RecoverDone:
			return Normal
		case conflict, partner == PartnerDown:
			return PotentialConflict
		}
	case PartnerDown:
		switch {
		case partner == RecoverDone:
			return Normal
		case partner != Recover && partner != RecoverWait:
			return PotentialConflict
		}
	case ResolutionInterrupted:
		return PotentialConflict
	case ConflictDone:
		if partner == Normal {
			return Normal
		}
	}
	return s
}
