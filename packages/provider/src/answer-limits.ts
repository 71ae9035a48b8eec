/**
 * What is read of one answer. No stretch of the work with an answer inside these limits takes 100 ms. A model that writes 128,000 tokens is
 * below all of them.
 */
export const answerLimits = {
  /** Outside of strings; of an answer that is not JSON as it is, all. A long string costs little. */
  characters: 2_000_000,
  /** A deeper answer would exhaust the stack of what checks it. */
  levels: 1_000,
  values: 500_000,
  comments: 100_000,
  /** Keys of an object beyond which each costs some ten times as much. */
  wideObject: 1_000,
  /** Keys beyond that, of all objects together. */
  wideKeys: 40_000,
} as const
