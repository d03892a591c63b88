// Where the runtime's own files lie; apart from tflite-runtime.ts, which only the child may load.
import { join } from 'node:path';
import { packageRoot } from '../base/package-root.js';

/** Where scripts/build-native.js puts the XNNPACK plug-in. */
export const delegatePluginPath: string = join(packageRoot, 'native', 'build', 'xnnpack-plugin.so');
