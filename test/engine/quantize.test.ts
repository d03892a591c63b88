import t from 'tap';
import { pixelWriter, readReals, store, unit } from '../../src/engine/runtime.js';

const int8 = { type: 'int8', scale: 0.5, zeroPoint: 3 } as const;

t.test('real numbers are quantized and clipped', async (t) => {
  t.equal(store(0, int8), 3);
  t.equal(store(1, int8), 5);
  t.equal(store(0.25, int8), 4, 'halves go away from zero');
  t.equal(store(-0.25, int8), 2);
  t.equal(store(1e9, int8), 127);
  t.equal(store(-1e9, int8), -128);
  t.equal(store(-1e9, { ...int8, type: 'uint8' }), 0);
  t.equal(store(0.123, { type: 'float32', scale: 0, zeroPoint: 0 }), 0.123);
});

t.test('pixels are stored with the parameters of the manifest', async (t) => {
  const write = pixelWriter({ type: 'int8', scale: 1 / 127.5, zeroPoint: 0, mean: 128, std: 127.5 });
  const out = new Int8Array(4);
  write(new Uint8Array([0, 128, 255]), out, 1);
  t.same([...out], [0, -128, 0, 127]);
  const real = new Float32Array(2);
  pixelWriter({ type: 'float32', scale: 0, zeroPoint: 0, mean: 127.5, std: 128 })(new Uint8Array([0, 255]), real, 0);
  t.same([...real], [-127.5 / 128, 127.5 / 128]);
});

t.test('stored numbers are read back as reals', async (t) => {
  t.same([...readReals(new Int8Array([9, 3, 5, -128]), int8, 1, 2)], [0, 1]);
});

t.test('a vector without direction has no unit vector', async (t) => {
  t.same(
    [...unit(new Float32Array([3, 0, 4]))!].map((v) => v.toFixed(3)),
    ['0.600', '0.000', '0.800'],
  );
  t.equal(unit(new Float32Array(4)), null);
  t.equal(unit(new Float32Array([1, Number.NaN])), null);
});
