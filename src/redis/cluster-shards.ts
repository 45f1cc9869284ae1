/**
 * A Redis Cluster as it is used here: a fixed number of shards, each a hash tag, so that all keys and channels of a
 * shard lie in one slot and one script may use them together. A shard is served by the present master of its slot, as
 * a primary of Sentinels serves its clients: it may move, and each connection finds it again (slot-master.ts).
 *
 * The slots are spread evenly, so 2, 3, 4, 6 or 12 masters with equal ranges of slots have equally many shards.
 */
export interface ClusterShard {
  readonly tag: string;
  readonly slot: number;
}

/** Each tag and the slot that Redis computes from it. Changing one moves its locks: as with another server. */
export const CLUSTER_SHARDS: readonly ClusterShard[] = Object.freeze([
  { tag: '556', slot: 672 },
  { tag: '640', slot: 2055 },
  { tag: '230', slot: 3408 },
  { tag: '116', slot: 4772 },
  { tag: '200', slot: 6147 },
  { tag: '670', slot: 7508 },
  { tag: '620', slot: 8865 },
  { tag: '536', slot: 10_246 },
  { tag: '146', slot: 11_601 },
  { tag: '996', slot: 12_972 },
  { tag: '176', slot: 14_338 },
  { tag: '506', slot: 15_701 },
]);
