// The embedder in ONNX Runtime gives what TensorFlow Lite gives, from the same file. The runtime is an optional package.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import { faultsOf } from '../../src/base/errors.js';
import { packageRoot } from '../../src/base/files.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { engineOptions } from '../../src/config/parts.js';
import { chooseEmbedder, readManifest } from '../../src/engine/manifest.js';
import { readModel } from '../../src/engine/model-file.js';
import { embedderOf } from '../../src/engine/models.js';
import { onnxFile } from '../../src/engine/onnx/onnx-file.js';
import { loadOnnxModel } from '../../src/engine/onnx/runtime.js';
import { readGraph } from '../../src/engine/onnx/tflite-graph.js';
import { delegatePluginPath, loadModel } from '../../src/engine/runtime.js';
import { createEngine } from '../../src/engine/supervisor.js';
import { similarity } from '../../src/gallery/similarity.js';
import { ALIGNED_PX } from '../../src/vision/alignment.js';
import { madePicture, madePixels } from '../vision/made-picture.js';

const manifest = readManifest();
const entry = chooseEmbedder(manifest, 'resnet50-w100');
const bytes = readModel(manifest, entry);
const isInstalled = ((): boolean => {
  try {
    createRequire(join(packageRoot, 'package.json')).resolve('onnxruntime-node/package.json');
    return true;
  } catch {
    return false;
  }
})();
const skip = isInstalled ? false : 'npm install --no-save --ignore-scripts onnxruntime-node@1.30.0';

t.test('the graph of the shipped embedder is read, and written as ONNX', async (t) => {
  const graph = readGraph(bytes);
  const count = (kind: string): number => graph.operations.filter((operation) => operation.kind === kind).length;
  t.same([count('conv'), count('add'), count('max-pool'), count('mean')], [54, 16, 1, 1]);
  const [input, output] = [graph.tensors[graph.input]!, graph.tensors[graph.output]!];
  for (const [tensor, stored] of [
    [input, entry.input],
    [output, entry.outputs[0]!],
  ] as const) {
    t.same(tensor.shape, stored.shape);
    t.equal(tensor.type, stored.type);
    t.ok(Math.abs(tensor.scales[0]! - stored.scale) < 1e-8);
    t.equal(tensor.zeroPoint, stored.zeroPoint);
  }
  const [first] = graph.operations;
  t.match(first, { kind: 'conv', isRelu: true, stride: [2, 2] });
  t.same(graph.tensors[first!.inputs[1]!]!.shape, [64, 7, 7, 3]);
  const file = onnxFile(graph);
  t.ok(file.length > 24_000_000 && file.length < 25_000_000, `${file.length} bytes`);
});

t.test('a model that is not full int8, or has other operations, is refused', async (t) => {
  t.throws(() => readGraph(readModel(manifest, manifest.checker)), { message: /only full int8 models/ });
  t.throws(() => readGraph(readModel(manifest, manifest.detector)), { message: /is not understood/ });
});

t.test('both runtimes give embeddings of the same face', { skip }, async (t) => {
  const lite = embedderOf(loadModel(bytes, { threads: 1, delegatePath: delegatePluginPath }), entry);
  const onnx = embedderOf(loadOnnxModel(bytes, { threads: 1, device: 'cpu' }), entry);
  const pictures = (['mixed', 'gradient'] as const).map((kind) => madePixels(kind, ALIGNED_PX, ALIGNED_PX));
  for (const [index, picture] of pictures.entries()) {
    const [a] = lite([picture], false);
    const [b] = onnx([picture], false);
    const cosine = similarity(a!.embedding, b!.embedding);
    t.ok(cosine > 0.98, `picture ${index}: ${cosine}`);
    t.ok(Math.abs(a!.length - b!.length) < 0.05 * a!.length);
  }
  const other = similarity(onnx([pictures[0]!], false)[0]!.embedding, lite([pictures[1]!], false)[0]!.embedding);
  t.ok(other < 0.9, `different pictures: ${other}`);
});

t.test('the engine runs it in its sandbox, and says so', { skip }, async (t) => {
  const config = parseConfig('[room]\nid = "lab"\n[embedder]\nruntime = "onnxruntime"\n', 'c.toml');
  await using engine = createEngine(engineOptions(config, () => {}));
  const info = await engine.start();
  t.match(info, { embedder: 'resnet50-w100', embedderRuntime: 'onnxruntime', space: 'mobilefacenet-192' });
  const frame = { ...madePicture('noise', 64, 48), capturedAt: 0, sequence: 0 };
  t.same((await engine.analyze(frame, { search: 'whole' })).faces, []);
});

t.test('what is missing is said in one line with the cure', async (t) => {
  const path = join(
    t.testdir({ 'c.toml': '[room]\nid = "lab"\n[embedder]\nruntime = "onnxruntime"\ndevice = "abacus"\n' }),
    'c.toml',
  );
  await using engine = createEngine(engineOptions(loadConfig(path), () => {}));
  await t.rejects(engine.start(), {
    code: 'RUNTIME_MISSING',
    exitCode: 78,
    message: isInstalled ? /device = "abacus": this onnxruntime has cpu/ : /npm install --no-save/,
  });
  try {
    parseConfig('[room]\nid = "a"\n[embedder]\ndevice = "cuda"\n', 'c.toml');
    t.fail('a device without its runtime is refused');
  } catch (error) {
    t.match(faultsOf(error as Error), [/embedder\.device: needs runtime = "onnxruntime"/]);
  }
});
