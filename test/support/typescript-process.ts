// Code of a test in a process of its own: node takes TypeScript there as it does here.

/** What node is to run, after `-e`: `call` is called on the module that `file` is. */
export function scriptThatCalls(file: string, call: string): string {
  return `
    const { transformFileSync } = require('@swc/core')
    require.extensions['.ts'] = (module, file) =>
      module._compile(transformFileSync(file, { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'commonjs' } }).code, file)
    require(${JSON.stringify(file)}).${call}`
}
