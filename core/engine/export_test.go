package engine

// Interfere has f called between each choice of a lease and its claim; nil: no longer.
func (e *Engine) Interfere(f func()) { e.interfere = f }
