// Reads one resource as fast as it is answered: many clients, each with one connection and a token in turn.
// The plan (a file, so that no token stands in an argument list) says where, as whom, for how long. The summary is
// the client's account: what it sent, by status, and what `Cache-Status` it saw.
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const plan = JSON.parse(open(__ENV.BENCH_PLAN));
const STATUSES = [0, 200, 304, 400, 401, 403, 404, 405, 413, 422, 429, 500, 502, 503, 504];
// An iteration costs k6 nearly as much as a request. Not more, or the last ones would trail behind the end.
const REQUESTS_PER_ITERATION = 10;
const OUTCOMES = ['hit', 'stale', 'miss', 'none'];
const counters = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, new Counter(`cache_${outcome}`)]));

export const options = {
  scenarios: {
    reads: {
      executor: 'shared-iterations',
      vus: plan.clients,
      iterations: Math.max(plan.clients, Math.floor(plan.requests_max / REQUESTS_PER_ITERATION)),
      maxDuration: `${plan.seconds}s`,
      gracefulStop: '10s', // an iteration that was cut off would have sent what nobody counted
    },
  },
  discardResponseBodies: true,
  maxRedirects: 0,
  systemTags: ['status'],
  summaryTrendStats: ['med', 'p(99)'],
  // k6 sums up by tag only where a threshold asks for it.
  thresholds: Object.fromEntries(STATUSES.map((status) => [`http_reqs{status:${status}}`, ['count>=0']])),
};

let asked = __VU; // clients begin at different tokens
let etag = '';

export default function () {
  const seen = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  for (let i = 0; i < REQUESTS_PER_ITERATION; i += 1) {
    const headers = { Authorization: `Bearer ${plan.tokens[asked % plan.tokens.length]}` };
    asked += 1;
    if (plan.conditional && etag) headers['If-None-Match'] = etag;
    const answer = http.get(plan.url, { headers });
    etag = answer.headers.Etag || '';
    seen[outcomeOf(answer.headers['Cache-Status'])] += 1;
  }
  for (const outcome of OUTCOMES) if (seen[outcome]) counters[outcome].add(seen[outcome]);
}

// RFC 9211: the last member is the tier nearest the client; a hit past its freshness has a negative ttl.
function outcomeOf(field) {
  if (!field) return 'none';
  const nearest = field.split(',').pop();
  if (nearest.includes('fwd=')) return 'miss';
  if (!nearest.includes('hit')) return 'none';
  return nearest.includes('ttl=-') ? 'stale' : 'hit';
}

export function handleSummary(data) {
  const count = (name) => (data.metrics[name] ? data.metrics[name].values.count : 0);
  const durations = data.metrics.http_req_duration.values;
  const account = {
    requests: count('http_reqs'),
    seconds: data.state.testRunDurationMs / 1000,
    p50_ms: durations.med,
    p99_ms: durations['p(99)'],
    statuses: Object.fromEntries(STATUSES.map((status) => [status, count(`http_reqs{status:${status}}`)])),
    caches: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(`cache_${outcome}`)])),
  };
  return { [__ENV.BENCH_ACCOUNT]: JSON.stringify(account) };
}
