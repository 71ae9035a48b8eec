-- Stores a batch of one item that has begun and is in the window: its job is added next.
-- KEYS: meta, blocks, open
-- ARGV: block, fields...
-- block: of the item. fields: of the batch hash: field, value, field, value, ...
redis.call('HSET', meta, unpack(fields))
redis.call('XADD', blocks, '1-0', 'z', block)
redis.call('HSET', open, 0, 1)
