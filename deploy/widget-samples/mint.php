<?php
// Sign who a visitor is, with nothing but PHP. Run on the site's server, never in a page.
//
//     INHOUSE_SECRET=wsk_... php mint.php WIDGET_ID VISITOR_ID [NAME] [GROUP ...]

// Returns a token for one visitor; it is good once, for two minutes.
function mint(string $secret, string $widgetId, string $visitorId, string $name = '', array $groups = []): string
{
    $coded = fn (string $data): string => rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
    $now = time();
    $header = ['alg' => 'HS256', 'typ' => 'JWT', 'kid' => explode('.', substr($secret, 4))[0]];
    $claims = ['aud' => $widgetId, 'sub' => $visitorId, 'name' => $name, 'groups' => $groups,
        'iat' => $now, 'exp' => $now + 120, 'jti' => bin2hex(random_bytes(16))];
    $signed = $coded(json_encode($header)) . '.' . $coded(json_encode($claims));
    return $signed . '.' . $coded(hash_hmac('sha256', $signed, $secret, true));
}

if (isset($argv[2])) {
    echo mint(getenv('INHOUSE_SECRET'), $argv[1], $argv[2], $argv[3] ?? '', array_slice($argv, 4)), "\n";
}
