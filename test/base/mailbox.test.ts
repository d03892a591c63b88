import t from 'tap';
import { createMailbox } from '../../src/base/mailbox.js';

t.test('the newest value is kept and the replaced values are counted', async (t) => {
  const mailbox = createMailbox<number>();
  for (const value of [1, 2, 3]) mailbox.put(value);
  t.equal(await mailbox.take(), 3);
  t.equal(mailbox.drops, 2);
});

t.test('a waiting taker gets the next value, and it does not stay in the slot', async (t) => {
  const mailbox = createMailbox<number>();
  const first = mailbox.take();
  const second = mailbox.take();
  mailbox.put(1);
  mailbox.put(2);
  t.same([await first, await second], [1, 2]);
  t.equal(mailbox.drops, 0);
  mailbox.put(3);
  t.equal(await mailbox.take(), 3);
});

t.test('an exchange takes a newer value at once, and the one that was taken counts as dropped', async (t) => {
  const mailbox = createMailbox<number>();
  mailbox.put(1);
  t.equal(await mailbox.take(), 1);
  t.equal(mailbox.exchange(), null, 'there is no newer one');
  t.equal(mailbox.drops, 0);
  mailbox.put(2);
  t.equal(mailbox.exchange(), 2);
  t.equal(mailbox.drops, 1);
});

t.test('values that are falsy are values', async (t) => {
  const mailbox = createMailbox<number>();
  mailbox.put(0);
  t.equal(await mailbox.take(), 0);
});

t.test('`end` keeps the last value, `discard` drops it', async (t) => {
  const ended = createMailbox<number>();
  ended.put(1);
  ended.end();
  ended.put(2);
  t.same([await ended.take(), await ended.take()], [1, null]);

  const discarded = createMailbox<number>();
  discarded.put(1);
  discarded.discard();
  t.equal(await discarded.take(), null);

  const waited = createMailbox<number>();
  const waiting = waited.take();
  waited.end();
  t.equal(await waiting, null);
});
