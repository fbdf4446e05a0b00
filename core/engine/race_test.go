//go:build race

package engine_test

// raceDetector tells that tests are some ten times slower.
const raceDetector = true
