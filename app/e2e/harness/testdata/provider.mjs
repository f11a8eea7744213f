// A certified OpenID provider for tests: provider.mjs HOST PORT
//
// It prints its issuer when it listens, and what it issues to people, so that
// this can be searched for where it must not be.
// - Programs: each of the clients below gets access tokens for itself, for the
//   audience that the resource names (urn:gatehouse: gatehouse).
// - People: whoever signs in as "reader.ana" is a reader. There is no password.
// - POST /test/clients takes the metadata of one more client, as JSON.
// - POST /test/rotate makes new keys, which sign from then on; ?keep leaves the
//   old ones published.
import { generateKeyPairSync } from 'node:crypto';
import { lookup } from 'node:dns';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Provider } from 'oidc-provider';

// The secret of each client is its name.
const programs = {
	admin: { groups: ['staff', 'admins'] },
	pusher: { groups: ['pushers'] },
	reader: { groups: ['readers'] },
	stranger: {},
	'admin-es256': { groups: ['admins'], alg: 'ES256' },
};

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{7*7}}\u202Egnp.exe`;

// What people are told apart by comes before the first dot of their names.
const people = {
	admin: { groups: ['staff', 'admins'] },
	pusher: { groups: ['pushers'] },
	reader: { groups: ['readers'] },
	nobody: {},
	hostile: { name: hostile + 'x'.repeat(1024), preferred_username: hostile, groups: [hostile, 'x'.repeat(1024), 'admins'] },
	large: { groups: [...Array.from({ length: 110 }, (_, i) => `a-department-of-the-company-${i}`), 'readers'] }, // an ID token of 5 to 6 KiB
	many: { groups: [...Array.from({ length: 300 }, (_, i) => `a-department-of-the-company-${i}`), 'pushers'] },
	asked: { groups: ['pushers'], onlyUserinfo: ['groups'] },
	nested: { realm_access: { roles: ['offline', 'pushers'] }, 'https://gatehouse.example/roles': ['readers'] },
};

function claims(id, use) {
	const { onlyUserinfo = [], ...own } = people[id.split('.')[0]];
	if (use === 'id_token') for (const name of onlyUserinfo) delete own[name];
	return { sub: id, name: `The ${id}`, preferred_username: id, email: `${id}@example.org`, email_verified: true, ...own };
}

const page = (title, body) => `<!DOCTYPE html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const configuration = {
	claims: {
		openid: ['sub', 'realm_access', 'https://gatehouse.example/roles'],
		profile: ['name', 'preferred_username'],
		email: ['email', 'email_verified'],
		groups: ['groups', 'roles'],
	},
	conformIdTokenClaims: false,
	cookies: { keys: ['only for tests'], long: { httpOnly: true, sameSite: 'lax', signed: true } },
	extraTokenClaims: (_, token) => ({ groups: programs[token.clientId]?.groups }),
	features: {
		backchannelLogout: { enabled: true },
		clientCredentials: { enabled: true },
		devInteractions: { enabled: false },
		resourceIndicators: {
			enabled: true,
			getResourceServerInfo: (_, resource, client) => ({
				audience: resource.replace('urn:', ''),
				scope: '',
				accessTokenFormat: 'jwt',
				jwt: { sign: { alg: programs[client.clientId].alg ?? 'RS256' } },
			}),
		},
		rpInitiatedLogout: {
			enabled: true,
			logoutSource: (context, form) => {
				context.body = page('Leave the provider?', `${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`);
			},
			postLogoutSuccessSource: context => {
				context.body = page('You have left', '');
			},
		},
	},
	findAccount: (_, id) => people[id.split('.')[0]] && { accountId: id, claims: use => claims(id, use) },
	// Its machine may be slow, and localhost is where the test is.
	httpOptions: () => ({ signal: AbortSignal.timeout(30_000), dnsLookup: (name, options, done) => lookup(name, { ...options, family: 4 }, done) }),
	interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
	// Nobody is asked what a client may know.
	async loadExistingGrant({ oidc }) {
		const known = oidc.session.grantIdFor(oidc.client.clientId);
		const grant = known ? await oidc.provider.Grant.find(known) : undefined;
		if (grant) return grant;
		const granted = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
		granted.addOIDCScope('openid profile email groups');
		await granted.save();
		return granted;
	},
	pkce: { methods: ['S256'], required: () => true },
	renderError: (context, out) => {
		context.type = 'html';
		context.body = page('This went wrong', `<p>${out.error} ${out.error_description?.replaceAll('<', '&lt;')}</p>`);
	},
	ttl: { ClientCredentials: 600, Interaction: 600, Session: 3600, Grant: 3600, AuthorizationCode: 60, AccessToken: 600, IdToken: 600 },
};

const clients = new Map(Object.keys(programs).map(name => [name, {
	client_id: name,
	client_secret: name,
	grant_types: ['client_credentials'],
	response_types: [],
	redirect_uris: [],
}]));

function newKeys() {
	const pairs = {
		RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
		ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
	};
	return Object.entries(pairs).map(([alg, pair]) => ({ ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig' }));
}

let issuer, keys, provider, answer;

// A provider's keys and clients are fixed: new ones take a new provider. What it
// knows of people stays.
function renew() {
	provider = new Provider(issuer, { ...configuration, clients: [...clients.values()], jwks: { keys } });
	provider.on('grant.success', ({ oidc, body }) => {
		if (!body.id_token) return;
		console.log(`issued code=${oidc.params.code} signature=${body.id_token.split('.')[2]} access_token=${body.access_token}`);
	});
	for (const event of ['backchannel.error', 'server_error']) {
		provider.on(event, (_, error) => console.log(`${event}: ${error.stack}`));
	}
	answer = provider.callback();
}

function rotate(keep) {
	keys = [...newKeys(), ...keep ? keys : []];
	renew();
}

function know(metadata) {
	clients.set(metadata.client_id, {
		grant_types: ['authorization_code'],
		response_types: ['code'],
		token_endpoint_auth_method: metadata.client_secret ? 'client_secret_basic' : 'none',
		backchannel_logout_session_required: true,
		...metadata,
	});
	renew();
}

// interact is the page on which people tell who they are, or that they do not
// want to.
async function interact(request, response) {
	if (request.method !== 'POST') {
		response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
		return response.end(page('Who are you?', `<form method="post">
			<input name="name" autofocus> <button>Go on</button> <button name="cancel" value="yes">Cancel</button></form>`));
	}
	const form = new URLSearchParams(await text(request));
	const result = form.has('cancel')
		? { error: 'access_denied', error_description: hostile }
		: { login: { accountId: form.get('name') } };
	return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function serve(request, response) {
	const { pathname, searchParams } = new URL(request.url, issuer);
	if (pathname.startsWith('/interaction/')) return interact(request, response);
	switch (pathname) {
	case '/test/rotate':
		rotate(searchParams.has('keep'));
		break;
	case '/test/clients':
		know(JSON.parse(await text(request)));
		break;
	default:
		return answer(request, response);
	}
	return response.writeHead(204).end();
}

const server = createServer((request, response) => {
	serve(request, response).catch(error => {
		console.log(error.stack);
		response.writeHead(500).end(String(error));
	});
});
const [host, port] = process.argv.slice(2);
server.listen(Number(port), host, () => {
	issuer = `http://${host}:${server.address().port}`;
	rotate(false);
	console.log(`issuer=${issuer}`);
});
