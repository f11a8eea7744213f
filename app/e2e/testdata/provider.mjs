// A certified OpenID provider for tests: provider.mjs HOST PORT
//
// It prints its issuer when it listens. Each client gets access tokens for
// itself, for the audience that the resource names (urn:gatehouse: gatehouse).
// POST /test/rotate makes new keys, which sign from then on; ?keep leaves the
// old ones published.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

// The secret of each client is its name.
const clients = {
	admin: { groups: ['staff', 'admins'] },
	pusher: { groups: ['pushers'] },
	reader: { groups: ['readers'] },
	stranger: {},
	'admin-es256': { groups: ['admins'], alg: 'ES256' },
};

const configuration = {
	clients: Object.keys(clients).map(name => ({
		client_id: name,
		client_secret: name,
		grant_types: ['client_credentials'],
		response_types: [],
		redirect_uris: [],
	})),
	cookies: { keys: ['only for tests'] },
	extraTokenClaims: (_, token) => ({ groups: clients[token.clientId].groups }),
	features: {
		clientCredentials: { enabled: true },
		devInteractions: { enabled: false },
		resourceIndicators: {
			enabled: true,
			getResourceServerInfo: (_, resource, client) => ({
				audience: resource.replace('urn:', ''),
				scope: '',
				accessTokenFormat: 'jwt',
				jwt: { sign: { alg: clients[client.clientId].alg ?? 'RS256' } },
			}),
		},
	},
	ttl: { ClientCredentials: 600 },
};

function newKeys() {
	const pairs = {
		RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
		ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
	};
	return Object.entries(pairs).map(([alg, pair]) => ({ ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig' }));
}

let issuer, keys, answer;

// A provider's keys are fixed: new ones take a new provider.
function rotate(keep) {
	keys = [...newKeys(), ...keep ? keys : []];
	answer = new Provider(issuer, { ...configuration, jwks: { keys } }).callback();
}

const server = createServer((request, response) => {
	const { pathname, searchParams } = new URL(request.url, issuer);
	if (pathname !== '/test/rotate') return answer(request, response);
	rotate(searchParams.has('keep'));
	response.writeHead(204).end();
});
const [host, port] = process.argv.slice(2);
server.listen(Number(port), host, () => {
	issuer = `http://${host}:${server.address().port}`;
	rotate(false);
	console.log(`issuer=${issuer}`);
});
