module startgate/client

go 1.21

require github.com/elastic/go-elasticsearch/v9 v9.1.0
