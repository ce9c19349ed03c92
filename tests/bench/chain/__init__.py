"""The whole chain under measurement: operators' reports to Kafka, three services, the parties' topics and stream."""
