import psycopg
import redis


def test_a_test_has_a_postgres_database_of_its_own(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE things (id int)")


def test_a_second_test_does_not_see_the_first_ones_tables(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE things (id int)")


def test_redis_answers_and_is_empty(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("key", "value")


def test_redis_is_empty_again(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
