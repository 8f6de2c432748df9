// What became of it all, as JSON for machines and Markdown for people.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { installRoot } from '../../infra/local/config'
import { kafkaInstallation } from '../../infra/local/kafka'
import { registryInstallation } from '../../infra/local/registry'
import { projectDirectory } from '../../services/runtime/schemas'
import type { Outcome } from './compare'
import type { RunRecord } from './conduct'
import type { FaultRecord } from './play-fault'
import type { FreshnessBounds } from './recovery'

export interface Report {
  readonly seed: number
  /** ISO 8601. */
  readonly began: string
  readonly seconds: number
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  readonly load: {
    readonly touchpoints: number
    readonly orders: number
    readonly sales: number
    readonly requests: number
  }
  readonly undisturbed: {
    readonly seconds: number
    readonly failures: readonly string[]
    readonly summary: Readonly<Record<string, unknown>>
  }
  readonly bounds: FreshnessBounds
  readonly runs: readonly (RunRecord & Outcome & { readonly query: string })[]
  /** What ended it early; empty when it was played to the end. */
  readonly broken: string
}

/** Everything that is not as it should be; empty when all is well. */
export function failuresOf({ broken, undisturbed, runs }: Report): string[] {
  return [
    ...(broken === '' ? [] : [broken]),
    ...undisturbed.failures.map((failure) => `undisturbed: ${failure}`),
    ...runs.flatMap(({ name, differences, faults }) => [
      ...differences.map((one) => `${name}: ${one}`),
      ...faults.flatMap(({ faults: names, unmet, recovery }) => [
        ...unmet.map((one) => `${name}: nobody met ${one}, so it says nothing`),
        ...recovery.missing.map(
          (one) => `${name}, not recovered from ${names.join(' and ')}: ${one}`,
        ),
      ]),
    ]),
  ]
}

export function machineText(): string {
  const [cpu] = cpus()
  return `${cpus().length} × ${cpu?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`
}

export function versionsOf(clickhouse: string): Record<string, string> {
  const requirements = readFileSync(
    join(projectDirectory(), 'infra', 'local', 'erp', 'requirements.txt'),
    'utf8',
  )
  return {
    node: process.version,
    kafka: basename(kafkaInstallation(installRoot())).split('-')[1] ?? '',
    registry: basename(registryInstallation(installRoot())).split('-')[1] ?? '',
    clickhouse,
    erp: /^trytond==(\S+)/m.exec(requirements)?.[1] ?? '',
  }
}

/** Writes report.json and report.md. */
export function writeReport(directory: string, report: Report): void {
  mkdirSync(directory, { recursive: true })
  const ok = failuresOf(report).length === 0
  writeFileSync(join(directory, 'report.json'), `${JSON.stringify({ ok, ...report }, null, 2)}\n`)
  writeFileSync(join(directory, 'report.md'), markdownOf(report))
}

export function markdownOf(report: Report): string {
  const { load, undisturbed, bounds, versions } = report
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    '# Faults on real parts',
    '',
    `${failuresOf(report).length === 0 ? 'Every run ended as the undisturbed one did.' : 'NOT every run ended as the undisturbed one did.'} Seed ${report.seed}, ${report.began}, ${report.seconds} s in all.`,
    ...(report.broken === '' ? [] : ['', `**It ended early:** ${report.broken}`]),
    '',
    `- Machine: ${report.machine}`,
    `- Versions: ${named.join(', ')}`,
    `- Load of each run: ${load.requests} requests with ${load.touchpoints} touchpoints and ${load.orders} orders, of which ${load.sales} become sales in the ERP`,
    `- Undisturbed run: ${undisturbed.seconds} s; ${undisturbed.failures.length === 0 ? 'it agrees with the known truth' : `it FAILED: ${undisturbed.failures.join('; ')}`}`,
    `- Recovered means, counted from when healing began (what was stopped is being started): all that was accepted before is visible, and nothing accepted later waits longer than ${bounds.tablesMs} ms for ClickHouse or ${bounds.erpMs} ms for the ERP`,
    ...report.runs.flatMap(runText),
    '',
  ].join('\n')
}

function runText(run: Report['runs'][number]): string[] {
  const { faults, deaths, differences } = run
  return [
    '',
    `## Run \`${run.name}\`: ${differences.length === 0 ? 'equal' : `${differences.length} DIFFERENCES`}`,
    '',
    `${Math.round(run.seconds)} s of load; ${run.clientRetries} requests sent again by clients; equal ${Math.round(run.restSeconds)} s after the last request.`,
    '',
    '| fault | at request | injected | healed | ClickHouse recovered | ERP recovered |',
    '| --- | --- | --- | --- | --- | --- |',
    ...faults.map(faultRow),
    '',
    ...(deaths.length === 0
      ? []
      : [
          'Processes that ended by themselves and were started again:',
          '',
          ...deaths.map(
            ({ instance, words }) =>
              `- ${instance}: \`${words.slice(0, 200).replaceAll('`', "'")}\``,
          ),
          '',
        ]),
    ...(differences.length === 0
      ? []
      : ['Differences:', '', ...differences.map((one) => `- ${one}`), '']),
    '```sql',
    run.query,
    '```',
    '',
    '| table | rows | undisturbed | disturbed |',
    '| --- | --- | --- | --- |',
    ...run.digests.map(
      ({ name, rows, undisturbed, disturbed }) =>
        `| ${name} | ${rows} | ${undisturbed} | ${disturbed}${undisturbed === disturbed ? '' : ' **differs**'} |`,
    ),
  ]
}

function faultRow(record: FaultRecord): string {
  const { says, atRequest, injectedSeconds, healedSeconds, met, unmet, recovery } = record
  const after = (ms: number | null): string =>
    ms === null ? '**not in time**' : `${(ms / 1_000).toFixed(1)} s`
  const cells = [
    `${says.join('; and ')}${met === null ? '' : ` (${met} requests met it)`}${unmet.length === 0 ? '' : ` **nobody met ${unmet.join(', ')}**`}`,
    ...[atRequest, `${injectedSeconds.toFixed(1)} s`, `${healedSeconds.toFixed(1)} s`],
    ...[after(recovery.tablesMs), after(recovery.erpMs)],
  ]
  return `| ${cells.join(' | ')} |`
}
