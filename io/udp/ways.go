package udp

// Ways returns, for each address that Addresses returns, which Socket of a worker's Replies sends from there.
func (s *Server) Ways() (sockets []uint16) {
	for i := range s.groups {
		sockets = append(sockets, uint16(i*s.config.classes()))
	}
	return sockets
}
