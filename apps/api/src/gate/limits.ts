const mb = 1_048_576

/** Every bound of a request that is not configured: its size, depth, time, work, and how many there are at once. Depth: contract/json-text.ts. */
export const limits = {
  /** Request line and headers together; Node answers 431. */
  headerBytes: 16 * 1024,
  /** All headers must have arrived by then. */
  headersMs: 15_000,
  /**
   * A sender that sends fewer bytes than this within SLUICE_BODY_IDLE_S drips: 60 bytes a minute. Streams of items may be slow, a JSON
   * body may not: see `jsonBodyMs`.
   */
  leastBytes: 60,
  /** A JSON body must have arrived by then: 32 MB take 5 minutes at 110 KB/s. */
  jsonBodyMs: 300_000,
  /** A connection whose request was refused is cut when the sender still sends after this time. */
  lingerMs: 2_000,
  /** Connections at once. Beyond, the one that is idle longest is closed. */
  connections: 5_000,
  /** Requests that one connection may send before it has read an answer. Browsers and HTTP libraries send one. */
  pipelined: 32,

  /** Requests at once of one key, and in all. */
  requests: { perCaller: 2_000, inAll: 4_000 },
  /** Results and events that are followed, and uploads: they last. One whose reader does not read takes up to 2 MB. */
  streams: { perCaller: 200, inAll: 500 },

  /** Values of one JSON body, most of them in its list of items: 100,000 items of 20 values. */
  jsonValues: 2_000_000,
  /** What a value takes in memory, with the copy that the validation makes. */
  bytesPerJsonValue: 96,
  /** Lines that give no item, blank or skipped, beyond as many as there are items. */
  emptyLines: 100_000,
  /** Unpacked bytes of one upload. */
  unpackedBytes: 16 * 1024 * mb,
  /** Unpacked to packed bytes of a compressed body, once it is larger than `freeUnpackedBytes`. Texts reach 10 to 20; zeros 1,000. */
  ratio: 200,
  freeUnpackedBytes: 16 * mb,
  /** Parts of one form: documents, each with its headers. */
  formParts: 100_000,

  /** Memory of all requests together; or four bodies of the configured size, where that is more. */
  memoryBytes: 256 * mb,

  /** Wrong keys of one address within `wrongKeysWindowMs` before it has to wait; the wait doubles with each further one. */
  wrongKeys: 30,
  wrongKeysWindowMs: 60_000,
  wrongKeysFirstWaitMs: 1_000,
  wrongKeysMostWaitMs: 300_000,
  addresses: 10_000,

  sessionMs: 12 * 3_600_000,
} as const
