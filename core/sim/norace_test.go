//go:build !race

package sim_test

// raceDetector tells that tests are some ten times slower.
const raceDetector = false
