/**
 * Runs once before all tests: makes the real servers that the tests start available.
 * Grows with the tests; each server that cannot be had is skipped by its tests with a printed reason.
 */
export function setup(): void {}
