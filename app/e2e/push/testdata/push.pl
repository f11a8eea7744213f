# Drives Net::Prometheus: push.pl ACTION URL JOB GROUPING VALUE
#
# The library renders metrics and has no way to push them: HTTP::Tiny, which comes
# with Perl, sends them.
use strict;
use warnings;
use utf8;

use Encode qw( decode_utf8 encode_utf8 );
use HTTP::Tiny;
use JSON::PP qw( decode_json );
use Net::Prometheus;

sub client { Net::Prometheus->new( disable_process_collector => 1, disable_perl_collector => 1 ) }

sub everything {
	my ($value) = @_;
	my $client = client();
	my $gauge = $client->new_gauge( name => 'backup_bytes', help => "Size of the \"last\" backup\nin \\ bytes.", labels => ['table'] );
	$gauge->labels("a \"b\"\n\\ü")->set($value);
	$gauge->labels('all')->set( 9**9**9 ); # an empty value is refused
	$client->new_counter( name => 'backups_total', help => 'Backups so far.' )->inc($value);
	my $histogram = $client->new_histogram( name => 'backup_seconds', help => 'Duration.', buckets => [ 0.5, 1, 10 ] );
	my $summary = $client->new_summary( name => 'backup_wait_seconds', help => 'Wait.' );
	for my $seconds ( 0.25, 2, 64 ) {
		$histogram->observe($seconds);
		$summary->observe($seconds);
	}
	return $client;
}

sub one {
	my ($value) = @_;
	my $client = client();
	$client->new_gauge( name => 'last_success', help => 'Time of the last success.' )->set($value);
	return $client;
}

sub huge {
	my $client = client();
	my $gauge = $client->new_gauge( name => 'huge', help => 'Too large.', labels => ['text'] );
	$gauge->labels( $_ . 'x' x 1_000_000 )->set(1) for 0 .. 16;
	return $client;
}

sub escaped {
	my ($text) = @_;
	my $bytes = encode_utf8($text);
	$bytes =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
	return $bytes;
}

my ( $action, $url, $job, $grouping, $value ) = @ARGV;
my %grouping = %{ decode_json($grouping) || {} };
my $path = join '/', '', 'metrics', 'job', escaped( decode_utf8($job) ), map { ( $_, escaped( $grouping{$_} ) ) } sort keys %grouping;
my %actions = (
	push   => [ PUT    => sub { everything($value) } ],
	add    => [ POST   => sub { one($value) } ],
	huge   => [ PUT    => sub { huge() } ],
	delete => [ DELETE => undef ],
);
my ( $method, $metrics ) = @{ $actions{$action} // die "unknown action $action\n" };
my %request;
%request = ( content => encode_utf8( $metrics->()->render ), headers => { 'Content-Type' => 'text/plain; version=0.0.4; charset=utf-8' } ) if $metrics;
my $response = HTTP::Tiny->new->request( $method, $url . $path, \%request );
die "$response->{status} $response->{content}" unless $response->{success};
